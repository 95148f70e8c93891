"""Features, losses and gradient at an image: NumPy in, NumPy out."""

from collections.abc import Iterable
from contextlib import nullcontext

import tensorflow as tf

from common.images import Image
from common.objective import Timing
from common.problem import Features, Network, Pixels, Problem, check_image
from common.results import LossTerms
from common.vgg19 import smallest_side_px
from keras_impl.arrays import apply_affine, device_scope, to_native, to_numpy, wait
from keras_impl.lean import evaluate
from keras_impl.losses import Terms, gram, total, total_loss, tv_loss
from keras_impl.modes import in_mode
from keras_impl.vgg19 import Trunk


class Objective:
    """The loss of a problem as a function of the optimized variable; the targets are computed once."""

    def __init__(self, problem: Problem) -> None:
        self.coefficients = problem.coefficients
        self._to_network, self._network = problem.to_network, problem.network
        preprocess = self._network.weights.preprocessing.apply
        with device_scope(self._network):
            self._trunk = Trunk(problem.recipe.taps, self._network)
            at_content = self._trunk(to_native(preprocess(problem.content), self._network))
            self.content = {tap: at_content[tap] for tap in self.coefficients.content}
            del at_content
            at_style = self._trunk(to_native(preprocess(problem.style), self._network))
            self.style = {tap: c.target_scale * gram(at_style[tap]) for tap, c in self.coefficients.style.items()}
        self._terms = in_mode(self.terms, problem.mode)
        self._both = in_mode(self._by_pullbacks if problem.mode == "lean" else self._by_tape, problem.mode)

    def variable(self, pixels: Pixels) -> tf.Tensor:
        """The optimized variable as a native tensor on the network's device."""
        with device_scope(self._network):
            return to_native(pixels, self._network)

    def terms(self, variable: tf.Tensor) -> Terms:
        """Every loss term at the optimized variable."""
        features = self._trunk(apply_affine(variable, self._to_network))
        return total_loss(features, variable, self.content, self.style, self.coefficients)

    def forward_terms(self, variable: tf.Tensor) -> Terms:
        """Every loss term from a forward pass in the problem's mode, with nothing kept for a gradient."""
        with device_scope(self._network):
            return self._terms(variable)

    def terms_and_gradient(self, variable: tf.Tensor) -> tuple[Terms, tf.Tensor]:
        """Every loss term, and the gradient of their sum, from one forward and one backward pass in its mode."""
        with device_scope(self._network):
            return self._both(variable)

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term from a forward pass in the framework's eager mode, for the optimized variable as an array."""
        with device_scope(self._network):
            return to_loss_terms(self.terms(self.variable(pixels)))

    def evaluate(self, pixels: Pixels, timing: Timing | None = None) -> tuple[LossTerms, Pixels]:
        """Every loss term and the gradient, with the optimized variable and its gradient as arrays (H, W, 3).

        `timing` is entered for the forward and the backward pass.
        """
        variable = self.variable(pixels)
        self.wait()
        with timing or nullcontext():
            terms, gradient = self.terms_and_gradient(variable)
            losses = to_loss_terms(terms)
            self.wait()
        return losses, to_numpy(gradient)

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        wait(self._network)

    def _by_tape(self, variable: tf.Tensor) -> tuple[Terms, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(variable)
            terms = self.terms(variable)
            loss = total(terms)
        return terms, tape.gradient(loss, variable)

    def _by_pullbacks(self, variable: tf.Tensor) -> tuple[Terms, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(variable)
            network_input = apply_affine(variable, self._to_network)
            with tape.stop_recording():
                targets = self.content, self.style, self.coefficients
                content, style, at_input = evaluate(self._trunk, network_input, *targets)
            tv = self.coefficients.tv_weight * tv_loss(variable, self.coefficients.tv_form)
            loss = tf.reduce_sum(network_input * at_input) + tv
        return Terms(content, style, tv), tape.gradient(loss, variable)


def to_loss_terms(terms: Terms) -> LossTerms:
    """Native scalars as Python floats, fetched from the device at once."""
    scalars = tf.stack([*terms.content.values(), *terms.style.values(), terms.tv])
    values = iter(scalars.numpy().astype(float).tolist())
    content, style = ({tap: next(values) for tap in taps} for taps in (terms.content, terms.style))
    return LossTerms(content, style, next(values))


def features(image: Image, taps: Iterable[str], network: Network) -> Features:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    taps = tuple(taps)
    check_image("image", image, smallest_side_px(taps))
    with device_scope(network):
        native = Trunk(taps, network)(to_native(network.weights.preprocessing.apply(image), network))
    return {tap: to_numpy(feature) for tap, feature in native.items()}


def loss_terms(image: Image, problem: Problem) -> LossTerms:
    """Every loss term at an image, RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    return Objective(problem).loss_terms(problem.pixels(image))


def value_and_grad(image: Image, problem: Problem) -> tuple[LossTerms, Pixels]:
    """The loss terms at an image, and the gradient (H, W, 3) in the recipe's pixel space and channel order."""
    return Objective(problem).evaluate(problem.pixels(image))
