"""A recipe to and from plain JSON values, for reports and for workers in other processes."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from common.recipes.recipe import LBFGS, Adam, Exactly, LongestSide, Recipe, Stage
from common.vgg19 import SPACES

_TUPLES = ("style_taps", "content_taps", "deviations")


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """Every field by name; the pixel space is its name, and each stage names the kind of its optimiser."""
    stages = [
        {**asdict(stage), "optimizer": {"kind": type(stage.optimizer).__name__.lower(), **asdict(stage.optimizer)}}
        for stage in recipe.stages
    ]
    return {**asdict(recipe), "pixel_space": recipe.pixel_space.name, "stages": stages}


def recipe_from_json(values: Mapping[str, Any]) -> Recipe:
    """The inverse of `recipe_to_json`."""
    plain = {field.name: values[field.name] for field in fields(Recipe)}
    plain |= {name: tuple(plain[name]) for name in _TUPLES}
    plain["pixel_space"] = SPACES[plain["pixel_space"]]
    plain["stages"] = tuple(_stage(stage) for stage in plain["stages"])
    return Recipe(**plain)


def _stage(values: Mapping[str, Any]) -> Stage:
    size = values["size"]
    optimizer = {name: value for name, value in values["optimizer"].items() if name != "kind"}
    return Stage(
        size=LongestSide(**size) if "side_px" in size else Exactly(**size),
        steps=values["steps"],
        optimizer=Adam(**optimizer) if values["optimizer"]["kind"] == "adam" else LBFGS(**optimizer),
    )
