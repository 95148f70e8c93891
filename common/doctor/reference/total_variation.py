"""Total variation as a variant has it: its form, and the space that it is taken in."""

import numpy as np

from common.doctor.reference.inputs import space_of
from common.doctor.reference.variant import TvForm, TvSpace, Variant
from common.oracle import tv_gradient, tv_loss
from common.problem import Problem
from common.tensors import Array
from common.vgg19 import IMAGENET, Preprocessing


def tv(pixels: Array, problem: Problem, variant: Variant) -> tuple[float, Array]:
    """The total variation of the optimised variable and its gradient, before the weight."""
    form = variant.tv_form or problem.recipe.tv_form
    unit = _unit(space_of(problem, variant), variant.tv_space)
    x = np.asarray(pixels, np.float64) * unit
    return _value(x, form), unit * _gradient(x, form)


def tv_slopes(shape: tuple[int, ...], problem: Problem, variant: Variant) -> tuple[Array, Array] | None:
    """What a difference of neighbours adds to that gradient but for its sign, by axis and channel.

    None where it depends on more than the sign.
    """
    form = variant.tv_form or problem.recipe.tv_form
    if form not in ("mean_abs", "sum_abs"):
        return None
    unit, (height, width, channels) = _unit(space_of(problem, variant), variant.tv_space), shape
    counts = (height - 1) * width * channels, height * (width - 1) * channels
    down, right = (unit if form == "sum_abs" else 0.5 * unit / count for count in counts)
    return down, right


def _unit(space: Preprocessing, wanted: TvSpace) -> Array:
    """What a difference of the variable is in another space, by channel."""
    of_one = np.asarray(space.std) / space.scale
    in_order = of_one[::-1] if space.bgr else of_one
    units: dict[TvSpace, Array] = {
        "right": np.ones(3),
        "of 1": in_order,
        "of 255": 255 * in_order,
        "normalised": in_order / np.asarray(IMAGENET.std)[:: -1 if space.bgr else 1],
    }
    return units[wanted]


def _value(x: Array, form: TvForm) -> float:
    if form != "sum_squares" and form != "mean_squares":
        return tv_loss(x, form)
    squares = [np.diff(x, axis=axis) ** 2 for axis in (0, 1)]
    return float(sum(it.sum() if form == "sum_squares" else it.mean() for it in squares))


def _gradient(x: Array, form: TvForm) -> Array:
    if form != "sum_squares" and form != "mean_squares":
        return tv_gradient(x, form)
    gradient = np.zeros_like(x)
    for axis in (0, 1):
        step = np.diff(x, axis=axis)
        slope = 2 * step / (1 if form == "sum_squares" else step.size)
        ends = [(0, 0)] * 3
        ends[axis] = (1, 1)
        gradient -= np.diff(np.pad(slope, ends), axis=axis)
    return gradient
