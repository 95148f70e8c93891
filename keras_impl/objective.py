"""The loss of a problem, its gradient, and feature maps, in native tensors."""

from collections.abc import Iterable

import tensorflow as tf

from common import objective
from common.images import Image
from common.objective import Recorded, Terms
from common.points import Point
from common.problem import Features, Network, Pixels, Problem
from common.recipes import Adam
from common.results import LossTerms
from keras_impl.arrays import apply_affine, device_scope, to_native, to_numpy, wait
from keras_impl.entry import ENTRY
from keras_impl.lean import evaluate, terms_by_tap
from keras_impl.losses import gram, total, total_loss, tv_loss
from keras_impl.optimizers import Native, Textbook, adam
from keras_impl.vgg19 import Trunk


class Objective(objective.Objective):
    """The loss of a problem as a function of the optimized variable; the targets are computed once."""

    to_numpy = staticmethod(to_numpy)

    def __init__(self, problem: Problem) -> None:
        mode = ENTRY.checked_mode(problem.mode)
        self._network, self._to_network, self._coefficients = problem.network, problem.to_network, problem.coefficients
        self._taps, preprocess = problem.recipe.taps, self._network.weights.preprocessing.apply
        with device_scope(self._network):
            self._trunk = Trunk(self._taps, self._network)
            at_content = self._trunk(to_native(preprocess(problem.content), self._network))
            self.content = {tap: at_content[tap] for tap in self._coefficients.content}
            del at_content
            at_style = self._trunk(to_native(preprocess(problem.style), self._network))
            self.style = {tap: c.target_scale * gram(at_style[tap]) for tap, c in self._coefficients.style.items()}
        self._terms, self._both = self.terms, self._by_pullbacks if mode == "lean" else self._by_tape
        if mode != "eager":
            self._terms, self._both = (tf.function(it, jit_compile=mode == "xla") for it in (self._terms, self._both))

    def scope(self) -> objective.Scope:
        """The context in which tensors are made and computed on the network's device, in its arithmetic."""
        return device_scope(self._network)

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        wait(self._network)

    def variable(self, pixels: Pixels) -> tf.Tensor:
        """An array (H, W, C) as a native tensor on the network's device."""
        with self.scope():
            return to_native(pixels, self._network)

    def to_floats(self, scalars: list[tf.Tensor]) -> list[float]:
        """Native scalars as Python floats, fetched from the device at once."""
        return tf.stack(scalars).numpy().astype(float).tolist()

    def terms(self, variable: tf.Tensor) -> Terms:
        """Every loss term at the optimized variable."""
        features = self._trunk(apply_affine(variable, self._to_network))
        return total_loss(features, variable, self.content, self.style, self._coefficients)

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term from a forward pass in the framework's eager mode, for the optimized variable as an array."""
        with self.scope():
            return self.numbers(self.terms(self.variable(pixels)))

    def forward_terms(self, variable: tf.Tensor) -> Terms:
        """Every loss term from a forward pass in the problem's mode, with nothing kept for a gradient."""
        with self.scope():
            return self._terms(variable)

    def terms_and_gradient(self, variable: tf.Tensor) -> tuple[Terms, tf.Tensor]:
        """Every loss term, and the gradient of their sum, from one forward and one backward pass in its mode."""
        with self.scope():
            return self._both(tf.convert_to_tensor(variable))  # Adam's is a tf.Variable

    def adam(self, start: Point, settings: Adam) -> Textbook | Native:
        """Adam's next steps: from the start's moments on in the textbook form, else from its first."""
        with self.scope():
            return adam(to_native(start.pixels, self._network), settings, start.moments)

    def recorded(self, variable: tf.Tensor, layers: Iterable[str]) -> Recorded:
        """The tensors of one forward and one backward pass, with the feature maps of `layers` and the taps."""
        with self.scope():
            with tf.GradientTape() as tape:
                tape.watch(variable)
                network_input = apply_affine(variable, self._to_network)
                features = Trunk([*layers, *self._taps], self._network)(network_input)
                terms = total_loss(features, variable, self.content, self.style, self._coefficients)
                loss = total(terms)
            *at_taps, at_pixels = tape.gradient(loss, [*(features[tap] for tap in self._taps), variable])
            grams = {tap: gram(features[tap]) for tap in self.style}
        return Recorded(network_input, features, grams, terms, dict(zip(self._taps, at_taps, strict=True)), at_pixels)

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
                terms = terms_by_tap(self.content, self.style, self._coefficients)
                content, style, at_input = evaluate(self._trunk, network_input, *terms)
            tv = self._coefficients.tv_weight * tv_loss(variable, self._coefficients.tv_form)
            loss = tf.reduce_sum(network_input * at_input) + tv
        return Terms(content, style, tv), tape.gradient(loss, variable)


def features(image: Image, taps: Iterable[str], network: Network) -> Features:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3)."""
    with device_scope(network):
        native = Trunk(taps, network)(to_native(network.weights.preprocessing.apply(image), network))
        return {tap: to_numpy(feature) for tap, feature in native.items()}
