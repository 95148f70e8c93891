"""Recipes cut after the third block: a deeper network only takes longer where the depth is not what is tested."""

from dataclasses import replace
from typing import Any

import pytest

from common import RECIPES, Recipe

STYLE_TAPS, CONTENT_TAPS = ("relu1_1", "relu2_1", "relu3_1"), ("relu2_2",)
TAP_OPTIONS = ["--style-taps", ",".join(STYLE_TAPS), "--content-taps", ",".join(CONTENT_TAPS)]
BRIEF_RUN = ["--weights", "random", "--size", "24", "--steps", "3"]  # of `compare.py`
QUICK_RUN = [*BRIEF_RUN, *TAP_OPTIONS, "--threads", "1"]  # two threads on one core would wait for each other
# The smallest bundle.
SMALL_EXPORT = [
    *("--size", "32", "--weights", "random", "--without-weights"),
    *("--style-taps", "relu1_1", "--content-taps", "relu1_1"),
]


def shallow(name: str, **changes: Any) -> Recipe:
    """A published recipe with shallow taps, and further changes."""
    return replace(RECIPES[name], **{"style_taps": STYLE_TAPS, "content_taps": CONTENT_TAPS, **changes})


# Every recipe, and all the way down with both kinds of pools.
each_recipe = pytest.mark.parametrize(
    "recipe",
    [*map(shallow, RECIPES), RECIPES["d2l"], RECIPES["gatys"]],
    ids=lambda recipe: f"{recipe.name}, to {recipe.style_taps[-1]}",
)
