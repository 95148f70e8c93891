"""Loss conventions, reduced to one coefficient and one target scale per tap.

With K the mean Gram F^T F / M of a tap (C channels, M positions), every convention of the style loss is
`k * sum((K - t * K_s)^2)` and every convention of the content loss is `k * sum((F - F_c)^2)`.
The weight of the term and the mean over taps, where the source has one, are part of k.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from common.recipes.recipe import Convention, Recipe, TotalVariation
from common.vgg19 import LAYERS

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


def extent_at(tap: str, image_px: Extent) -> Extent:
    """Height and width of a tap for an image of the given height and width: pools round down."""
    height, width = image_px
    for layer in LAYERS:
        if layer.kind == "pool":
            height, width = height // 2, width // 2
        if layer.name == tap:
            break
    return height, width


def coefficients(recipe: Recipe, image_px: Extent, style_px: Extent) -> Coefficients:
    """The coefficients of a recipe for an optimised image and a style image of the given (height, width)."""
    return Coefficients(
        content={tap: _content(recipe, _Tap.at(tap, image_px, image_px)) for tap in recipe.content_taps},
        style={tap: _style(recipe, _Tap.at(tap, image_px, style_px)) for tap in recipe.style_taps},
        tv_weight=recipe.tv_weight,
        tv_form=recipe.tv_form,
    )


@dataclass(frozen=True)
class _Tap:
    channels: int
    positions: int
    style_positions: int
    image_pixels: int

    @classmethod
    def at(cls, tap: str, image_px: Extent, style_px: Extent) -> "_Tap":
        height, width = extent_at(tap, image_px)
        style_height, style_width = extent_at(tap, style_px)
        channels = next(layer.out_channels for layer in LAYERS if layer.name == tap)
        return cls(channels, height * width, style_height * style_width, image_px[0] * image_px[1])


def _content(recipe: Recipe, tap: _Tap) -> float:
    sums: dict[Convention, float] = {"gatys": 0.5, "image": 1.0}
    return recipe.content_weight * sums.get(recipe.convention, 1 / (tap.positions * tap.channels))


def _style(recipe: Recipe, tap: _Tap) -> StyleCoefficient:
    k, target_scale = _STYLE[recipe.convention](tap)
    sums_over_taps = recipe.convention == "mean"
    taps = 1 if sums_over_taps else len(recipe.style_taps)
    return StyleCoefficient(recipe.style_weight * k / taps, target_scale)


def _mean(tap: _Tap) -> tuple[float, float]:
    # d2l, jcjohnson/neural-style, PyTorch tutorial: mean squared difference of G / (M C), summed over the taps.
    return 1 / tap.channels**4, 1.0


def _gatys(tap: _Tap) -> tuple[float, float]:
    # Gatys et al. 2016, eq. 4 and 5, with w_l = 1 / L.
    return 1 / (4 * tap.channels**2), 1.0


def _image(tap: _Tap) -> tuple[float, float]:
    # Keras notebook: sum((G - G_s)^2) / (4 * 3^2 * (h w)^2), divided by the number of taps.
    return tap.positions**2 / (36 * tap.image_pixels**2), tap.style_positions / tap.positions


def _blog(tap: _Tap) -> tuple[float, float]:
    # PyTorch blog: mean((G - G_s)^2) / (C H W of the style tap), mean over the taps.
    return tap.positions**2 / (tap.channels**3 * tap.style_positions), tap.style_positions / tap.positions


def _tftut(tap: _Tap) -> tuple[float, float]:
    # TensorFlow tutorial: mean squared difference of G / M, divided by the number of taps.
    return 1 / tap.channels**2, 1.0


_STYLE: dict[Convention, Callable[[_Tap], tuple[float, float]]] = {
    "mean": _mean,
    "gatys": _gatys,
    "image": _image,
    "blog": _blog,
    "tftut": _tftut,
}
