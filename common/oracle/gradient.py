"""The gradient of the sum of all terms: at every tap, through everything that follows it, and at the variable."""

import numpy as np

from common.oracle.decisions import decided_on
from common.oracle.layers import backward
from common.oracle.loss import content_difference, style_difference, total_variation
from common.oracle.losses import gram_gradient, norm_scale
from common.oracle.run import Run, computes
from common.oracle.total_variation import abs_slopes, tv_gradient
from common.tensors import Array, TensorName
from common.vgg19 import LAYERS, NAMES, Layer


@computes("gradient/features")
def gradient_of_features(run: Run, name: TensorName) -> Array:
    """The gradient at a tap."""
    return _at_output(run, run.layer_of[name.tap])


@computes("gradient/pixels")
def gradient_of_pixels(run: Run, _: TensorName) -> Array:
    """The gradient at the optimized variable."""
    form, unit, weight = total_variation(run)
    of_tv = weight * (unit * tv_gradient(np.asarray(run.value("pixels"), np.float64) * unit, form))
    gradient = run.maps.pull_back(_at_input(run, LAYERS[0])) + of_tv
    if run.variant.flat_chw:
        return np.ascontiguousarray(gradient.transpose(2, 0, 1)).reshape(gradient.shape)
    return gradient


def _at_output(run: Run, name: str) -> Array:
    """The gradient at a layer's output: from the terms of its taps, and from the layer that follows."""
    if name not in run.gradients:
        taps = [tap for tap in run.taps if run.layer_of[tap] == name]
        gradient = sum((_from_terms(run, tap) for tap in taps), np.zeros(run.layer(name).shape))
        following = NAMES.index(name) + 1
        run.gradients[name] = gradient + _at_input(run, LAYERS[following]) if following < run.depth else gradient
    return run.gradients[name]


def _at_input(run: Run, layer: Layer) -> Array:
    """The gradient at a layer's input, from what is given or computed at its output."""
    given = run.given_of("gradient/features", layer.name)
    gradient = _at_output(run, layer.name) if given is None else given
    decided = None if layer.kind == "conv" else run.layer(decided_on(layer))
    return backward(layer, gradient, decided, run.network, run.variant)


def _from_terms(run: Run, tap: str) -> Array:
    """The gradient of a tap's own terms."""
    feature, variant = np.asarray(run.value(f"features/{tap}"), np.float64), run.variant
    gradient = np.zeros_like(feature)
    if tap in run.coefficients.content:
        k = run.coefficients.content[tap] * variant.term_factor(f"content/{tap}")
        gradient += 2 * k * content_difference(run, tap)
    if tap in run.coefficients.style:
        k = run.coefficients.style[tap].k * variant.term_factor(f"style/{tap}")
        scale = norm_scale(variant.gram_norm, feature.shape)
        gradient += k * scale * gram_gradient(feature, style_difference(run, tap), variant.gram_of_positions)
    return gradient


def tv_slopes(run: Run) -> tuple[Array, Array] | None:
    """What the sign of a difference adds to the gradient, by axis and channel; None where total variation is smooth."""
    form, unit, weight = total_variation(run)
    slopes = abs_slopes(run.value("pixels").shape, form)
    return None if slopes is None else (weight * unit * slopes[0], weight * unit * slopes[1])
