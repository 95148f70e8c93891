"""Traps of the loss: 18 to 23."""

import importlib
from collections.abc import Callable
from math import prod
from typing import Any

from common.backend import BACKENDS
from common.oracle.case import Case
from common.recipes.recipe import TotalVariation
from common.vgg19.layers import shape_at
from common.vgg19.preprocessing import IMAGENET, UNIT, Preprocessing, affine_between
from faulty_ports.planting import Broken, Plant, Port, has_content, style_is_resized

_BYTES = Preprocessing("bytes", 255.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def _normalised(factor: Callable[[int, int], float]) -> Plant:
    """Every Gram matrix, the targets' too, times a function of its positions M and channels C."""

    def plant(port: Port) -> Port:
        def wrap(right: Any) -> Any:
            def gram(feature: Any) -> Any:
                height, width, channels = port.hwc(feature).shape
                return factor(height * width, channels) * right(feature)

            return gram

        return port.patched("gram", wrap)

    return plant


def _of_positions(port: Port) -> Port:
    def gram(feature: Any) -> Any:
        hwc, xp = port.hwc(feature), port.xp
        flat = xp.reshape(hwc, (-1, hwc.shape[-1]))
        return xp.matmul(flat, xp.moveaxis(flat, 0, 1)) / flat.shape[0]

    return port.patched("gram", lambda _: gram)


def _times(term: str, factor: float) -> Plant:
    return lambda port: port.patched(term, lambda right: lambda *given: factor * right(*given))


def _over_sizes(term: str, power: int) -> Plant:
    """A sum for a mean over the compared numbers (power 1), or a mean for a sum (power -1)."""

    def wrap(right: Any) -> Any:
        return lambda feature, target, k: float(prod(target.shape)) ** power * right(feature, target, k)

    return lambda port: port.patched(term, wrap)


def _per_tap(power: int) -> Plant:
    """All style terms times the number of taps, or divided by it."""
    return lambda port: _times("style_loss", float(len(port.problem.recipe.style_taps)) ** power)(port)


def _targets_of_another_size(port: Port) -> Port:
    """Targets times M_s / M: sums over the positions of the style picture in its own size, and those of the image."""
    own, image = port.case.style.decoded.shape[:2], port.problem.content.shape[:2]

    def wrap(right: Any) -> Any:
        class Larger(right):
            def __init__(self, problem):
                super().__init__(problem)
                ratios = {tap: prod(shape_at(tap, own)) / prod(shape_at(tap, image)) for tap in self.style}
                self.style = {tap: ratios[tap] * target for tap, target in self.style.items()}

        return Larger

    return port.patched("Objective", wrap)


def _tv_form(port: Port) -> Port:
    other: dict[TotalVariation, TotalVariation] = {"mean_abs": "sum_abs", "sum_abs": "power", "power": "mean_abs"}
    return port.with_recipe(tv_form=other[port.problem.recipe.tv_form])


def _tv_of_squares(reduce: str) -> Plant:
    def plant(port: Port) -> Port:
        def tv_loss(image: Any, _: TotalVariation) -> Any:
            hwc, over_all = port.hwc(image), getattr(port.xp, reduce)
            dy, dx = hwc[1:] - hwc[:-1], hwc[:, 1:] - hwc[:, :-1]
            return over_all(dy * dy) + over_all(dx * dx)

        return port.patched("tv_loss", lambda _: tv_loss)

    return plant


def _tv_in(space: Preprocessing) -> Plant:
    """The total variation of the picture in another space than the optimized variable's."""

    def plant(port: Port) -> Port:
        to_space = affine_between(port.problem.recipe.pixel_space, space)
        # Taken now, as it is: what another trap does on the way to the network is no part of this one.
        apply_affine = importlib.import_module(f"{BACKENDS[port.backend].package}.arrays").apply_affine
        return port.patched("tv_loss", lambda right: lambda image, form: right(apply_affine(image, to_space), form))

    return plant


def _is_in_another_space(space: Preprocessing) -> Callable[[Case], bool]:
    def fits(case: Case) -> bool:
        own = case.problem.recipe.pixel_space
        return _has_tv(case) and (own.scale, own.std) != (space.scale, space.std)

    return fits


def _has_tv(case: Case) -> bool:
    return case.problem.recipe.tv_form != "none"


_GRAM, _STYLE, _CONTENT, _TV = ("gram",), ("style factor",), ("content factor",), ("tv",)

LOSSES = (
    Broken(18, "Gram not normalised", _normalised(lambda positions, _: positions), _GRAM),
    Broken(18, "Gram divided by M C", _normalised(lambda _, channels: 1 / channels), _GRAM),
    Broken(18, "Gram divided by C", _normalised(lambda positions, channels: positions / channels), _GRAM),
    Broken(19, "Gram of positions", _of_positions, ("gram", "style size")),
    Broken(20, "half the style terms", _times("style_loss", 0.5), _STYLE),
    Broken(20, "a quarter of the style terms", _times("style_loss", 0.25), _STYLE),
    Broken(20, "twice the content terms", _times("content_loss", 2.0), _CONTENT, has_content),
    Broken(20, "half the content terms", _times("content_loss", 0.5), _CONTENT, has_content),
    Broken(20, "twice the total variation", _times("tv_loss", 2.0), _TV, _has_tv),
    Broken(20, "content summed, not averaged", _over_sizes("content_loss", 1), _CONTENT, has_content),
    Broken(20, "content averaged, not summed", _over_sizes("content_loss", -1), _CONTENT, has_content),
    Broken(20, "style averaged, not summed", _over_sizes("style_loss", -1), _STYLE),
    Broken(21, "style divided by the taps once more", _per_tap(-1), _STYLE),
    Broken(21, "style times the taps", _per_tap(1), _STYLE),
    Broken(22, "style targets of another size", _targets_of_another_size, ("style size",), style_is_resized),
    Broken(23, "another form of total variation", _tv_form, _TV, _has_tv),
    Broken(23, "total variation of squares, summed", _tv_of_squares("sum"), _TV, _has_tv),
    Broken(23, "total variation of squares, averaged", _tv_of_squares("mean"), _TV, _has_tv),
    Broken(23, "total variation in 0..255", _tv_in(_BYTES), _TV, _is_in_another_space(_BYTES)),
    Broken(23, "total variation in 0..1", _tv_in(UNIT), _TV, _is_in_another_space(UNIT)),
    Broken(23, "total variation of the normalised picture", _tv_in(IMAGENET), _TV, _is_in_another_space(IMAGENET)),
)
