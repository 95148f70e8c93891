"""The arbiter: features, losses and gradient in float64 NumPy, written for reading rather than for speed.

Arrays are (H, W, C). The gradient is a function of a trace (every layer's output), so that the decisions of
another implementation (its ReLU signs, its max-pool choices) can be put in the place of the oracle's own.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from common.images import Image
from common.oracle.layers import backward, forward
from common.oracle.total_variation import tv_gradient, tv_loss
from common.problem import Network, Pixels, Problem, check_image
from common.results import LossTerms
from common.vgg19 import Affine, cut, smallest_side_px

Float64 = NDArray[np.float64]
Trace = Mapping[str, NDArray[np.floating]]


def features(image: Image, taps: Iterable[str], network: Network) -> dict[str, Float64]:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    taps = tuple(taps)
    check_image("image", image, smallest_side_px(taps))
    return _kept(network.weights.preprocessing.apply(image), taps, network)


def losses(image: Image, problem: Problem) -> LossTerms:
    """Every loss term at an image, RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    oracle = Oracle(problem)
    pixels = problem.pixels(image)
    return oracle.losses(_kept(oracle.network_input(pixels), problem.recipe.taps, oracle.network), pixels)


def value_and_grad(image: Image, problem: Problem) -> tuple[LossTerms, Float64]:
    """The loss terms at an image, and the gradient (H, W, 3) in the recipe's pixel space and channel order."""
    oracle = Oracle(problem)
    pixels = problem.pixels(image)
    trace = oracle.trace(pixels)
    return oracle.losses(trace, pixels), oracle.gradient(trace, pixels)


def gram(feature: NDArray[np.floating]) -> Float64:
    """The mean Gram matrix (C, C) of a feature map: F^T F / M."""
    flat = feature.reshape(-1, feature.shape[-1]).astype(np.float64)
    return flat.T @ flat / len(flat)


class Oracle:
    """The loss of a problem as a function of a trace and the optimised variable; the targets are computed once."""

    def __init__(self, problem: Problem) -> None:
        self.network, self.coefficients = problem.network, problem.coefficients
        self._to_network, self._taps = problem.to_network, problem.recipe.taps
        self._content = features(problem.content, self.coefficients.content, self.network)
        at_style = features(problem.style, self.coefficients.style, self.network)
        self._style = {tap: c.target_scale * gram(at_style[tap]) for tap, c in self.coefficients.style.items()}

    def network_input(self, pixels: Pixels) -> Float64:
        """The optimised variable as the network sees it."""
        values = np.asarray(pixels, np.float64)
        ordered = values[..., ::-1] if self._to_network.reverse else values
        return ordered * self._to_network.factor + self._to_network.offset

    def trace(self, pixels: Pixels) -> dict[str, Float64]:
        """Every layer's output down to the deepest tap, for the optimised variable of shape (H, W, 3)."""
        return dict(forward(self.network_input(pixels), cut(self._taps), self.network))

    def losses(self, trace: Trace, pixels: Pixels) -> LossTerms:
        """Every loss term, given the feature maps at the taps."""
        content = {
            tap: k * float(np.sum((trace[tap] - self._content[tap]) ** 2))
            for tap, k in self.coefficients.content.items()
        }
        style = {
            tap: c.k * float(np.sum((gram(trace[tap]) - self._style[tap]) ** 2))
            for tap, c in self.coefficients.style.items()
        }
        tv = tv_loss(np.asarray(pixels, np.float64), self.coefficients.tv_form)
        return LossTerms(content, style, self.coefficients.tv_weight * tv)

    def gradient(self, trace: Trace, pixels: Pixels) -> Float64:
        """The gradient with respect to the optimised variable.

        `trace` may be another implementation's: ReLU and max-pool then follow its signs and choices.
        """
        at_input = backward(trace, self._tap_gradients(trace), cut(self._taps), self.network)
        tv = tv_gradient(np.asarray(pixels, np.float64), self.coefficients.tv_form)
        return _pull_back(at_input, self._to_network) + self.coefficients.tv_weight * tv

    def _tap_gradients(self, trace: Trace) -> dict[str, Float64]:
        gradients = {tap: np.zeros(trace[tap].shape) for tap in self._taps}
        for tap, k in self.coefficients.content.items():
            gradients[tap] += 2 * k * (trace[tap] - self._content[tap])
        for tap, c in self.coefficients.style.items():
            feature = trace[tap].astype(np.float64)
            positions = feature.shape[0] * feature.shape[1]
            gradients[tap] += (4 * c.k / positions) * (feature @ (gram(feature) - self._style[tap]))
        return gradients


def _kept(network_input: Float64, taps: tuple[str, ...], network: Network) -> dict[str, Float64]:
    outputs = forward(network_input, cut(taps), network)
    kept = {name: output for name, output in outputs if name in taps}
    return {tap: kept[tap] for tap in taps}


def _pull_back(at_input: Float64, affine: Affine) -> Float64:
    scaled = at_input * affine.factor
    return scaled[..., ::-1] if affine.reverse else scaled
