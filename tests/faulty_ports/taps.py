"""Traps of naming layers: 9 to 11."""

from collections.abc import Callable, Mapping
from typing import Any

from common.recipes.recipe import Recipe
from common.vgg19.layers import CONVS
from faulty_ports.planting import Broken, Plant, Port, has_content


def _tapping(actual: Callable[[Recipe], Mapping[str, str]]) -> Plant:
    """Some names stand for other layers."""

    def plant(port: Port) -> Port:
        moved = actual(port.problem.recipe)

        def wrap(right: Any) -> Any:
            class Renamed(right):
                def __init__(self, taps, network):
                    asked = tuple(taps)
                    super().__init__([moved.get(tap, tap) for tap in asked], network)
                    self.asked = asked

                def __call__(self, x):
                    if nudges := getattr(self, "nudges", None):  # by the names that were asked for
                        self.nudges = {moved.get(tap, tap): nudge for tap, nudge in nudges.items()}
                    found = super().__call__(x)
                    return {tap: found[moved.get(tap, tap)] for tap in self.asked}

            return Renamed

        return port.patched("Trunk", wrap)

    return plant


def _across(tap: str) -> str:
    return {"conv": "relu", "relu": "conv"}[tap[:4]] + tap[4:]


def _further(tap: str, steps: int) -> str:
    names = [conv.name[4:] for conv in CONVS]
    return tap[:4] + names[names.index(tap[4:]) + steps]


def _counted(recipe: Recipe) -> Mapping[str, str]:
    """relu4_1 as the fourth of the network's convolutions, which is conv2_2."""
    return {tap: tap[:4] + CONVS[int(tap[4]) - 1].name[4:] for tap in recipe.taps}


_TAPS = ("taps",)

TAPS = (
    Broken(9, "all taps across the ReLU", _tapping(lambda recipe: {tap: _across(tap) for tap in recipe.taps}), _TAPS),
    Broken(
        10, "the last style tap across the ReLU", _tapping(lambda it: {it.style_taps[-1]: _across(it.style_taps[-1])}),
        _TAPS,
    ),
    Broken(
        11, "a style tap one convolution further",
        _tapping(lambda recipe: {recipe.style_taps[2]: _further(recipe.style_taps[2], 1)}), _TAPS,
    ),
    Broken(
        11, "the content tap one convolution before",
        _tapping(lambda recipe: {recipe.content_taps[0]: _further(recipe.content_taps[0], -1)}), _TAPS, has_content,
    ),
    Broken(11, "taps counted by convolutions", _tapping(_counted), _TAPS),
)  # fmt: skip
