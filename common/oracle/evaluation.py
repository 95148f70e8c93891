"""The tensors of one evaluation: pictures, feature maps, Gram matrices, the terms of the loss, and its gradient."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from common.images import Image
from common.oracle.case import Shape, case_at, tap_shape
from common.oracle.inputs import scrambled, tv_unit
from common.oracle.layers import backward, backward_of_substitute, decided_on, outputs_at
from common.oracle.losses import abs_slopes, gram, gram_gradient, norm_scale, tv_gradient, tv_loss
from common.oracle.pictures import Picture, resized_by, saved_bytes
from common.oracle.run import Run, computes
from common.oracle.variant import RIGHT, TvForm, Variant
from common.problem import Network, Problem, check_image
from common.recipes import CONVENTIONS
from common.results import LossTerms
from common.tensors import Array, TensorName
from common.vgg19 import LAYERS, NAMES, Layer, smallest_side_px

Float64 = NDArray[np.float64]


def features(image: Image, taps: Iterable[str], network: Network) -> dict[str, Float64]:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    taps = tuple(taps)
    check_image("image", image, smallest_side_px(taps))
    kept = outputs_at(taps, network.weights.preprocessing.apply(image), network)
    return {tap: kept[tap] for tap in taps}


def losses(image: Image, problem: Problem) -> LossTerms:
    """Every loss term at an image, RGB in [0, 1] of shape (H, W, 3); RosettaError for bad input."""
    run, taps = Run(case_at(problem, image)), problem.recipe.taps
    # A run would keep every layer, some 5 kB a pixel, for a gradient that is not asked for.
    at_taps = outputs_at(taps, run.value("input"), run.network)
    return _loss_terms(run.but({f"features/{tap}": output for tap, output in at_taps.items()}))


def value_and_grad(image: Image, problem: Problem) -> tuple[LossTerms, Float64]:
    """The loss terms at an image, and the gradient (H, W, 3) in the recipe's pixel space and channel order."""
    run = Run(case_at(problem, image))
    return _loss_terms(run), run.expected("gradient/pixels")


def _loss_terms(run: Run) -> LossTerms:
    content = {tap: float(run.expected(f"loss/content/{tap}")) for tap in run.coefficients.content}
    style = {tap: float(run.expected(f"loss/style/{tap}")) for tap in run.coefficients.style}
    return LossTerms(content, style, float(run.expected("loss/tv")))


@computes("content/decoded", "style/decoded")
def _decoded(run: Run, name: TensorName) -> Array:
    picture: Picture = getattr(run.case, name.role)
    return picture.decoded_by(run.variant if name.role in run.variant.roles else RIGHT)


@computes("content/resized", "style/resized")
def _resized(run: Run, name: TensorName) -> Array:
    right: Image = getattr(run.case.problem, name.role)
    picture = run.value(f"{name.role}/decoded")
    keeps_size = name.role == "style" and run.variant.own_style_size
    height, width = (picture if keeps_size else right).shape[:2]
    return resized_by(picture, height, width, run.variant)


@computes("pixels")
def _pixels(run: Run, _: TensorName) -> Array:
    """The image as the optimized variable, rounded to float32."""
    return run.maps.to_pixels(np.asarray(run.case.image, np.float64)).astype(np.float32).astype(np.float64)


@computes("input")
def _network_input(run: Run, _: TensorName) -> Array:
    return run.maps.to_input(run.value("pixels"))


@computes("features")
def _features(run: Run, name: TensorName) -> Array:
    return run.computed_layer(run.recorded[name.tap])


@computes("saved")
def _saved(run: Run, _: TensorName) -> Array:
    return saved_bytes(run.case.image, run.variant.saved)


@computes("gram")
def _gram(run: Run, name: TensorName) -> Array:
    """The Gram matrix at a style tap, as it is handed over."""
    feature, variant = run.feature(name.tap), run.variant
    scale = _handed_scales(run, name.tap)[0] * norm_scale(variant.gram_norm, feature.shape)
    return scale * _matrix(feature, variant)


def _matrix(feature: Array, variant: Variant) -> Array:
    return gram(feature, variant.gram_of_positions) if variant.gram_form is None else variant.gram_form(feature)


@computes("target/content")
def _content_target(run: Run, name: TensorName) -> Array:
    return run.layer_of_picture("content", run.layer_of[name.tap])


@computes("target/style")
def _style_target(run: Run, name: TensorName) -> Array:
    """The Gram matrix of the style picture with the convention's factor, as it is handed over."""
    tap, variant = name.tap, run.variant
    feature = run.layer_of_picture("style", run.layer_of[tap])
    shape = _normalised_by(run, run.feature(tap).shape, feature.shape)
    scale = run.coefficients.style[tap].target_scale * norm_scale(variant.gram_norm, shape)
    scale *= float(variant.target_scale.get(tap, 1.0))
    return _handed_scales(run, tap)[1] * scale * _matrix(feature, variant)


def _handed_scales(run: Run, tap: str) -> tuple[float, float]:
    """How many times larger a Gram matrix and its target are handed over than the loss takes them."""
    norm, problem = run.variant.gram_handed, run.case.problem
    image, style = (tap_shape(tap, picture.shape, run.variant) for picture in (problem.content, problem.style))
    return norm_scale(norm, image), norm_scale(norm, _normalised_by(run, image, style))


def _normalised_by(run: Run, image: Shape, style: Shape) -> Shape:
    # Where a convention does not normalise, t has M_s / M in it already.
    return style if CONVENTIONS[run.case.problem.recipe.convention].normalised else image


def difference_at(run: Run, role: str, tap: str) -> Array:
    """What a term squares: F - F_c at a content tap, K - t K_s at a style tap; nan where their sizes differ."""
    if role == "content":
        feature, target = run.feature(tap), run.value(f"target/content/{tap}")
        return np.asarray(feature - target if feature.shape == target.shape else np.full(feature.shape, np.nan))
    gram_scale, target_scale = _handed_scales(run, tap)
    return np.asarray(run.value(f"gram/{tap}") / gram_scale - run.value(f"target/style/{tap}") / target_scale)


@computes("loss/content", "loss/style")
def _term(run: Run, name: TensorName) -> Array:
    return np.asarray(_factor(run, name.role, name.tap) * np.sum(difference_at(run, name.role, name.tap) ** 2))


def _factor(run: Run, role: str, tap: str) -> float:
    """What a tap's squared differences are multiplied by."""
    coefficients = run.coefficients
    k = coefficients.content[tap] if role == "content" else coefficients.style[tap].k
    return k * run.variant.term_factor(f"{role}/{tap}")


@computes("loss/tv")
def _tv_loss(run: Run, _: TensorName) -> Array:
    form, unit, weight = _total_variation(run)
    return np.asarray(weight * tv_loss(np.asarray(run.value("pixels"), np.float64) * unit, form))


@computes("loss/total")
def _total(run: Run, _: TensorName) -> Array:
    return np.asarray(sum(run.terms.values()))


def _total_variation(run: Run) -> tuple[TvForm, Array, float]:
    """The form, what a difference of the variable is in the space where it is taken, by channel, and the weight."""
    form = run.variant.tv_form or run.case.problem.recipe.tv_form
    unit = tv_unit(run.case.problem, run.variant)
    return form, unit, run.coefficients.tv_weight * run.variant.term_factor("tv")


def tv_slopes(run: Run) -> tuple[Array, Array] | None:
    """What the sign of a difference adds to the gradient, by axis and channel; None where total variation is smooth."""
    form, unit, weight = _total_variation(run)
    slopes = abs_slopes(run.value("pixels").shape, form)
    return None if slopes is None else (weight * unit * slopes[0], weight * unit * slopes[1])


@computes("gradient/features")
def _gradient_of_features(run: Run, name: TensorName) -> Array:
    return _at_output(run, run.recorded[name.tap])


@computes("gradient/pixels")
def _gradient_of_pixels(run: Run, _: TensorName) -> Array:
    form, unit, weight = _total_variation(run)
    of_tv = weight * (unit * tv_gradient(np.asarray(run.value("pixels"), np.float64) * unit, form))
    gradient = run.maps.pull_back(gradient_of_input(run)) + of_tv
    return scrambled(gradient, "NCHW read as NHWC") if run.variant.flat_chw else gradient


def gradient_of_input(run: Run) -> Array:
    """The derivative of the terms at taps with respect to the network's input, (H, W, 3) in its channel order."""
    return _at_input(run, LAYERS[0])


def _at_output(run: Run, name: str) -> Array:
    """The gradient at a layer's output: from the terms of its taps, and from the layer that follows."""
    if name not in run.gradients:
        taps = [tap for tap in run.taps if run.layer_of[tap] == name]
        gradient = sum((_from_terms(run, tap) for tap in taps), np.zeros(run.layer(name).shape))
        following = NAMES.index(name) + 1
        if following < run.depth:
            gradient = gradient + _at_input(run, LAYERS[following])
        if not taps:
            return gradient  # what is asked for but once is not kept
        run.gradients[name] = gradient
    return run.gradients[name]


def _at_input(run: Run, layer: Layer) -> Array:
    """The gradient at a layer's input, from what is given or computed at its output."""
    given = run.given_of("gradient/features", layer.name)
    gradient = _at_output(run, layer.name) if given is None else given
    if run.variant.substitutes and gradient.shape != run.computed_layer(layer.name).shape:
        return np.full(run.below(layer).shape, np.nan)  # the port's maps are of sizes that do not go together
    if layer.name in run.variant.substitutes:
        return backward_of_substitute(run.variant.substitutes[layer.name], gradient, run.below(layer))
    decided = None if layer.kind == "conv" else run.layer(decided_on(layer))
    return backward(layer, gradient, decided, run.network, run.variant)


def _from_terms(run: Run, tap: str) -> Array:
    """The gradient of a tap's own terms."""
    feature, variant = np.asarray(run.feature(tap), np.float64), run.variant
    gradient = np.zeros_like(feature)
    if tap in run.coefficients.content:
        gradient += 2 * _factor(run, "content", tap) * difference_at(run, "content", tap)
    if tap in run.coefficients.style and variant.gram_form is not None:
        gradient += np.nan
    elif tap in run.coefficients.style:
        scale = _factor(run, "style", tap) * norm_scale(variant.gram_norm, feature.shape)
        gradient += scale * gram_gradient(feature, difference_at(run, "style", tap), variant.gram_of_positions)
    return gradient
