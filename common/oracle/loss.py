"""Gram matrices, targets, and the terms of the loss."""

import numpy as np

from common.oracle.faults import TvForm
from common.oracle.inputs import tv_unit
from common.oracle.losses import gram as mean_gram
from common.oracle.losses import norm_scale
from common.oracle.run import Run, computes
from common.oracle.shapes import Shape, feature_shape
from common.oracle.total_variation import tv_loss
from common.recipes import CONVENTIONS
from common.tensors import Array, TensorName


@computes("gram")
def gram(run: Run, name: TensorName) -> Array:
    """The Gram matrix at a style tap, as it is handed over."""
    feature, variant = run.value(f"features/{name.tap}"), run.variant
    scale = handed_scales(run, name.tap)[0] * norm_scale(variant.gram_norm, feature.shape)
    return scale * mean_gram(feature, variant.gram_of_positions)


@computes("target/content")
def content_target(run: Run, name: TensorName) -> Array:
    """The feature map of the content picture."""
    return run.layer_of_picture("content", run.layer_of[name.tap])


@computes("target/style")
def style_target(run: Run, name: TensorName) -> Array:
    """The Gram matrix of the style picture with the convention's factor, as it is handed over."""
    tap, variant = name.tap, run.variant
    feature = run.layer_of_picture("style", run.layer_of[tap])
    shape = _normalised_by(run, run.value(f"features/{tap}").shape, feature.shape)
    scale = run.coefficients.style[tap].target_scale * norm_scale(variant.gram_norm, shape)
    scale *= float(variant.target_scale.get(tap, 1.0))
    return handed_scales(run, tap)[1] * scale * mean_gram(feature, variant.gram_of_positions)


def handed_scales(run: Run, tap: str) -> tuple[float, float]:
    """How many times larger a Gram matrix and its target are handed over than the loss takes them."""
    norm, problem = run.variant.gram_handed, run.case.problem
    image, style = (feature_shape(tap, picture.shape, run.variant) for picture in (problem.content, problem.style))
    return norm_scale(norm, image), norm_scale(norm, _normalised_by(run, image, style))


def _normalised_by(run: Run, image: Shape, style: Shape) -> Shape:
    # Where a convention does not normalise, t has M_s / M in it already.
    return style if CONVENTIONS[run.case.problem.recipe.convention].normalised else image


def content_difference(run: Run, tap: str) -> Array:
    """F - F_c at a content tap."""
    return np.asarray(run.value(f"features/{tap}") - run.value(f"target/content/{tap}"))


def style_difference(run: Run, tap: str) -> Array:
    """K - t K_s at a style tap."""
    gram_scale, target_scale = handed_scales(run, tap)
    return np.asarray(run.value(f"gram/{tap}") / gram_scale - run.value(f"target/style/{tap}") / target_scale)


@computes("loss/content")
def content_loss(run: Run, name: TensorName) -> Array:
    """The content term of a tap."""
    k = run.variant.term_factor(f"content/{name.tap}") * run.coefficients.content[name.tap]
    return np.asarray(k * np.sum(content_difference(run, name.tap) ** 2))


@computes("loss/style")
def style_loss(run: Run, name: TensorName) -> Array:
    """The style term of a tap."""
    k = run.variant.term_factor(f"style/{name.tap}") * run.coefficients.style[name.tap].k
    return np.asarray(k * np.sum(style_difference(run, name.tap) ** 2))


@computes("loss/tv")
def tv_term(run: Run, _: TensorName) -> Array:
    """The total variation with its weight."""
    form, unit, weight = total_variation(run)
    return np.asarray(weight * tv_loss(np.asarray(run.value("pixels"), np.float64) * unit, form))


@computes("loss/total")
def total(run: Run, _: TensorName) -> Array:
    """The sum of all terms."""
    return np.asarray(sum(float(run.value(f"loss/{term}")) for term in run.terms))


def total_variation(run: Run) -> tuple[TvForm, Array, float]:
    """The form, what a difference of the variable is in the space where it is taken, by channel, and the weight."""
    form = run.variant.tv_form or run.case.problem.recipe.tv_form
    unit = tv_unit(run.case.problem, run.variant)
    return form, unit, run.coefficients.tv_weight * run.variant.term_factor("tv")
