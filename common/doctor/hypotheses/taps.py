"""The traps of naming: a tap on the other side of its ReLU, or another layer."""

from collections.abc import Iterable

from common.doctor.reference import Case, Made
from common.vgg19 import CONVS

_NAMES = tuple(layer.name for layer in CONVS)


def tap_changes(case: Case) -> Made:
    """Trap, changes and words."""
    recipe = case.problem.recipe
    taps, style = recipe.taps, recipe.style_taps
    if len(taps) > 1:
        yield 9, _moved(taps), "all of them"
    if style and style != taps:
        yield 9, _moved(style), "the style taps"
    if style:
        yield 10, _moved(style[-1:]), f"{style[-1]} is {_across(style[-1])}"
    for tap in taps:
        if (tap,) != style[-1:]:
            yield 9, _moved([tap]), f"{tap} is {_across(tap)}"
    yield from _other_layers(taps)


def _other_layers(taps: tuple[str, ...]) -> Made:
    for steps in (1, -1):
        shifted = {tap: other for tap in taps if (other := _shifted(tap, steps)) is not None}
        if len(shifted) == len(taps):
            yield 11, {"taps": shifted}, f"every tap is {'one convolution deeper' if steps == 1 else 'one earlier'}"
    counted = {tap: _counted(tap) for tap in taps if not tap.startswith("pool")}
    yield 11, {"taps": counted}, "a tap's block is taken for the running number of its convolution"
    for tap in taps:
        others = (_shifted(tap, steps) for steps in (1, -1, 2, -2, 3, -3))
        for other in filter(None, others):
            yield 11, {"taps": {tap: other}}, f"{tap} is {other}"


def _moved(taps: Iterable[str]) -> dict[str, dict[str, str]]:
    return {"taps": {tap: _across(tap) for tap in taps if not tap.startswith("pool")}}


def _across(tap: str) -> str:
    """The same convolution on the other side of its ReLU."""
    return tap.replace("conv", "relu") if tap.startswith("conv") else tap.replace("relu", "conv")


def _counted(tap: str) -> str:
    """conv4_1 as the fourth convolution of the network."""
    return _NAMES[int(tap[4]) - 1].replace("conv", tap[:4])


def _shifted(tap: str, steps: int) -> str | None:
    """The tap on the same side some convolutions further down; None where there is none."""
    conv = tap.replace("relu", "conv")
    if conv not in _NAMES:
        return None
    index = _NAMES.index(conv) + steps
    if not 0 <= index < len(_NAMES):
        return None
    return _NAMES[index].replace("conv", tap[:4])
