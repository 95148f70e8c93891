"""From RGB to the network's input as a variant does it; all of it is affine, so one gradient serves all.

Where the optimized variable is the network's input up to its unit (a `caffe` recipe on Oxford's weights), a trap of
preprocessing may lie in the variable (`in_pixels`); otherwise it lies between the variable and the network.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from common.oracle.variant import PREPROCESSING, RIGHT, Scrambled, TvSpace, Variant
from common.problem import Problem
from common.tensors import Array
from common.vgg19 import IMAGENET, Preprocessing, Triple

Map = Callable[[Array], Array]
_WRONG_STD = {
    "forgotten": (1.0, 1.0, 1.0),
    "forgotten, in 0..255": (1 / 255, 1 / 255, 1 / 255),
    "ImageNet's of 255": IMAGENET.divided_by(255).std,
    "ImageNet's of 1": IMAGENET.std,
}


@dataclass(frozen=True)
class InputMaps:
    """RGB to the optimized variable, and the variable to the network's input; both (H, W, 3)."""

    to_pixels: Map
    to_input: Map

    def range_of_rgb(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """The least and the largest of each of the variable's values, for RGB in 0..1."""
        black, white = (np.asarray(self.to_pixels(np.full(shape, level))) for level in (0.0, 1.0))
        return np.minimum(black, white), np.maximum(black, white)

    def pull_back(self, at_input: Array) -> Array:
        """The gradient at the variable, given that at the network's input: by the adjoint of `to_input`.

        That acts on every pixel alike, or moves every value about: the places are found from the map of their numbers.
        """
        shape = at_input.shape
        offset = self.to_input(np.zeros(shape))
        places = np.arange(at_input.size, dtype=np.float64).reshape(shape)
        ones = self.to_input(np.ones(shape)) - offset
        sources = np.rint((self.to_input(places) - offset) / ones).astype(int).ravel()
        spread = np.zeros(at_input.size)
        spread[sources] = (at_input * ones).ravel()
        return spread.reshape(shape)


def input_maps(problem: Problem, right: Preprocessing, variant: Variant, picture: str = "image") -> InputMaps:
    """The two maps of a picture in a problem on a network whose right preprocessing is known."""
    if variant.pictures is not None and picture not in variant.pictures:
        variant = replace(variant, **{name: getattr(RIGHT, name) for name in PREPROCESSING})
    space, wrong = variant.space or problem.recipe.pixel_space, _preprocess(right, variant)
    if variant.in_pixels:
        factor = space.std[0] / right.std[0]
        return InputMaps(lambda rgb: wrong(rgb) / factor, lambda pixels: factor * pixels)
    return InputMaps(space.apply, lambda pixels: wrong(space.invert(pixels)))


def tv_unit(problem: Problem, variant: Variant) -> Array:
    """What a difference of the optimized variable is in the space where total variation is taken, by channel."""
    space = variant.space or problem.recipe.pixel_space
    of_rgb = (np.asarray(space.std) / space.scale)[_order(space)]
    units: dict[TvSpace, Array] = {
        "right": np.ones(3),
        "of 1": of_rgb,
        "of 255": 255 * of_rgb,
        "normalised": of_rgb / np.asarray(IMAGENET.std)[_order(space)],
    }
    return units[variant.tv_space]


def _order(space: Preprocessing) -> slice:
    """What brings the channels of RGB into those of a space."""
    return slice(None, None, -1 if space.bgr else 1)


def differ_in_unit_alone(space: Preprocessing, other: Preprocessing) -> bool:
    """Whether the optimized variable is the network's input but for one factor."""
    same = (space.mean, space.scale, space.bgr) == (other.mean, other.scale, other.bgr)
    factors = np.divide(space.std, other.std)
    return same and bool(np.allclose(factors, factors[0], rtol=1e-12))


def _preprocess(right: Preprocessing, variant: Variant) -> Map:
    """RGB in [0, 1] to the network's input."""
    # All values are divided by one unit at the end, for weights of one family in another's units; it is 1 without.
    unit = right.std[0] if len(set(right.std)) == 1 else 1.0
    right = right.divided_by(1 / unit)
    step = replace(
        right,
        mean=_means(right, variant),
        std=_WRONG_STD.get(variant.std, right.std),
        scale=right.scale * variant.scale,
        bgr=right.bgr != variant.unordered,
    )
    again = replace(step, scale=1.0)
    mean, std = (np.asarray(triple)[_order(step)] for triple in (step.mean, step.std))

    def apply(rgb: Array) -> Array:
        values = step.apply(scrambled(rgb[..., ::-1] if variant.bgr_file else rgb, variant.scrambled))
        if variant.repeated == "with the channels":
            values = again.apply(values)
        if variant.repeated == "without the channels":
            values = (values - mean) / std
        if variant.repeated == "the means alone":
            values = values - mean / std
        return np.asarray(values / unit)

    return apply


def _means(right: Preprocessing, variant: Variant) -> Triple:
    red, green, blue = right.mean
    return {"right": right.mean, "exchanged": (blue, green, red), "left out": (0.0, 0.0, 0.0)}[variant.means]


def scrambled(values: Array, how: Scrambled) -> Array:
    """An image (H, W, 3) that was handed over by reshape where a transpose was meant."""
    height, width, channels = values.shape
    if how == "NCHW read as NHWC":
        return values.transpose(2, 0, 1).reshape(values.shape)
    if how == "NHWC read as NCHW":
        return values.reshape(channels, height, width).transpose(1, 2, 0)
    return values
