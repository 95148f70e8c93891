"""Loss conventions, reduced to one coefficient and one target scale per tap.

With K the mean Gram F^T F / M of a tap (C channels, M positions), every convention of the style loss is
`k * sum((K - t * K_s)^2)` and every convention of the content loss is `k * sum((F - F_c)^2)`.
The weight of the term and the mean over taps, where the source has one, are part of k.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from common.recipes.recipe import Convention, Recipe, TotalVariation
from common.vgg19 import shape_at

Extent = tuple[int, int]


@dataclass(frozen=True)
class StyleCoefficient:
    """k and t of one style tap."""

    k: float
    target_scale: float


@dataclass(frozen=True)
class Coefficients:
    """All that a backend needs to know of a recipe's loss, for images of one size."""

    content: Mapping[str, float]
    style: Mapping[str, StyleCoefficient]
    tv_weight: float
    tv_form: TotalVariation


def coefficients(recipe: Recipe, image_px: Extent, style_px: Extent) -> Coefficients:
    """The coefficients of a recipe for an optimized image and a style image of the given (height, width)."""
    return coefficients_of(recipe, {name: Tap.at(name, image_px, style_px) for name in recipe.taps})


def coefficients_of(recipe: Recipe, taps: Mapping[str, "Tap"]) -> Coefficients:
    """The coefficients of a recipe for taps of the given sizes."""
    convention = CONVENTIONS[recipe.convention]
    averaged = len(recipe.style_taps) if convention.averaged else 1
    content = {name: recipe.content_weight * convention.content(taps[name]) for name in recipe.content_taps}
    style = {}
    for name in recipe.style_taps:
        tap = taps[name]
        k = recipe.style_weight * convention.style(tap) / averaged
        style[name] = StyleCoefficient(k, 1.0 if convention.normalised else tap.style_positions / tap.positions)
    return Coefficients(content, style, recipe.tv_weight, recipe.tv_form)


@dataclass(frozen=True)
class Tap:
    """What the coefficients of a tap depend on: the numbers that sources divide by."""

    channels: int
    positions: int
    style_positions: int
    image_pixels: int

    @classmethod
    def at(cls, name: str, image_px: Extent, style_px: Extent) -> "Tap":
        """A tap for an optimized image and a style image of the given (height, width)."""
        height, width, channels = shape_at(name, image_px)
        style_height, style_width, _ = shape_at(name, style_px)
        return cls(channels, height * width, style_height * style_width, image_px[0] * image_px[1])


@dataclass(frozen=True)
class LossConvention:
    """How a source normalises its loss: k of a content tap and of a style tap, before their weights.

    `averaged` says whether the style terms are averaged over the taps or summed, and `normalised` whether the source
    compares Gram matrices that are divided by their numbers of positions. Otherwise the Gram matrices are sums, and the
    target scale t is the ratio of the two numbers of positions.
    """

    content: Callable[[Tap], float]
    style: Callable[[Tap], float]
    averaged: bool
    normalised: bool
    source: str


def _mean_square(tap: Tap) -> float:
    return 1 / (tap.positions * tap.channels)


CONVENTIONS: dict[Convention, LossConvention] = {
    "mean": LossConvention(
        content=_mean_square,
        style=lambda tap: 1 / tap.channels**4,
        averaged=False,
        normalised=True,
        source="d2l, neural-style, PyTorch tutorial: mean squared difference of G / (M C), summed over the taps",
    ),
    "gatys": LossConvention(
        content=lambda _: 0.5,
        style=lambda tap: 1 / (4 * tap.channels**2),
        averaged=True,
        normalised=True,
        source="Gatys et al. 2016, eq. 1, 4 and 5, with w_l = 1 / L",
    ),
    "image": LossConvention(
        content=lambda _: 1.0,
        style=lambda tap: tap.positions**2 / (36 * tap.image_pixels**2),
        averaged=True,
        normalised=False,
        source="Keras notebook, keras.io: sum((G - G_s)^2) / (4 * 3^2 * (h w)^2), divided by the number of taps",
    ),
    "blog": LossConvention(
        content=_mean_square,
        style=lambda tap: tap.positions**2 / (tap.channels**3 * tap.style_positions),
        averaged=True,
        normalised=False,
        source="PyTorch blog: mean((G - G_s)^2) / (C H W of the style tap), mean over the taps",
    ),
}
