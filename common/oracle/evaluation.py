"""Features, losses and gradient of a problem in float64 NumPy; arrays are (H, W, C)."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from common.images import Image
from common.oracle.decisions import decided_on
from common.oracle.faults import Array
from common.oracle.layers import backward, outputs
from common.oracle.losses import gram, gram_gradient
from common.oracle.total_variation import tv_gradient, tv_loss
from common.problem import Network, Pixels, Problem, check_image
from common.results import LossTerms
from common.vgg19 import Affine, cut, smallest_side_px

Float64 = NDArray[np.float64]
Trace = Mapping[str, Array]


def features(image: Image, taps: Iterable[str], network: Network) -> dict[str, Float64]:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    taps = tuple(taps)
    check_image("image", image, smallest_side_px(taps))
    return _at_taps(network.weights.preprocessing.apply(image), taps, network)


def losses(image: Image, problem: Problem) -> LossTerms:
    """Every loss term at an image, RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    oracle, pixels = Oracle(problem), problem.pixels(image)
    return oracle.losses(_at_taps(oracle.network_input(pixels), problem.recipe.taps, oracle.network), pixels)


def value_and_grad(image: Image, problem: Problem) -> tuple[LossTerms, Float64]:
    """The loss terms at an image, and the gradient (H, W, 3) in the recipe's pixel space and channel order."""
    oracle, pixels = Oracle(problem), problem.pixels(image)
    trace = oracle.trace(pixels)
    return oracle.losses(trace, pixels), oracle.gradient(trace, pixels)


class Oracle:
    """The loss of a problem as a function of a trace and the optimized variable; the targets are computed once.

    A trace has the output of every layer by name. It may be another implementation's: ReLU and max-pool then follow its
    signs and choices on the way back.
    """

    def __init__(self, problem: Problem) -> None:
        self.network, self.coefficients = problem.network, problem.coefficients
        self._to_network, self._taps = problem.to_network, problem.recipe.taps
        self._content = features(problem.content, self.coefficients.content, self.network)
        at_style = features(problem.style, self.coefficients.style, self.network)
        self._style = {tap: c.target_scale * gram(at_style[tap]) for tap, c in self.coefficients.style.items()}

    def network_input(self, pixels: Pixels) -> Array:
        """The optimized variable as the network sees it."""
        values = np.asarray(pixels, np.float64)
        ordered = values[..., ::-1] if self._to_network.reverse else values
        return np.asarray(ordered * self._to_network.factor + self._to_network.offset)

    def trace(self, pixels: Pixels) -> dict[str, Array]:
        """Every layer's output down to the deepest tap, for the optimized variable of shape (H, W, 3)."""
        return dict(outputs(self.network_input(pixels), cut(self._taps), self.network))

    def losses(self, trace: Trace, pixels: Pixels) -> LossTerms:
        """Every loss term, given the feature maps at the taps."""
        c = self.coefficients
        content = {tap: k * float(np.sum((trace[tap] - self._content[tap]) ** 2)) for tap, k in c.content.items()}
        style = {tap: s.k * float(np.sum(self._style_difference(trace, tap) ** 2)) for tap, s in c.style.items()}
        return LossTerms(content, style, c.tv_weight * tv_loss(np.asarray(pixels, np.float64), c.tv_form))

    def gradient(self, trace: Trace, pixels: Pixels) -> Array:
        """The gradient with respect to the optimized variable."""
        layers, at_taps = cut(self._taps), self._tap_gradients(trace)
        gradient = np.zeros(trace[layers[-1].name].shape)
        for layer in reversed(layers):
            gradient = gradient + at_taps.get(layer.name, 0)
            decided = None if layer.kind == "conv" else trace[decided_on(layer)]
            gradient = backward(layer, gradient, decided, self.network)
        tv = tv_gradient(np.asarray(pixels, np.float64), self.coefficients.tv_form)
        return _pull_back(gradient, self._to_network) + self.coefficients.tv_weight * tv

    def _style_difference(self, trace: Trace, tap: str) -> Array:
        return gram(trace[tap]) - self._style[tap]

    def _tap_gradients(self, trace: Trace) -> dict[str, Array]:
        gradients = {tap: np.zeros(trace[tap].shape) for tap in self._taps}
        for tap, k in self.coefficients.content.items():
            gradients[tap] += 2 * k * (trace[tap] - self._content[tap])
        for tap, c in self.coefficients.style.items():
            feature = trace[tap].astype(np.float64)
            gradients[tap] += c.k * gram_gradient(feature, self._style_difference(trace, tap))
        return gradients


def _at_taps(network_input: Array, taps: tuple[str, ...], network: Network) -> dict[str, Float64]:
    kept = {name: output for name, output in outputs(network_input, cut(taps), network) if name in taps}
    return {tap: kept[tap] for tap in taps}


def _pull_back(at_input: Array, affine: Affine) -> Array:
    scaled = at_input * affine.factor
    return scaled[..., ::-1] if affine.reverse else scaled
