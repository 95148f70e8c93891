"""From the options of a command line to a recipe and a request."""

import argparse
from dataclasses import replace
from typing import Any

from common.cli.rows import rows_from
from common.comparison import DEFAULT_RECIPE, DEFAULT_ROUNDS, Request
from common.entry import OptimizerChoice
from common.errors import RosettaError
from common.machine import usable_cores
from common.recipes import Recipe, find_recipe, with_steps

WEIGHTS = ("content_weight", "style_weight", "tv_weight")
TAPS = ("content_taps", "style_taps")
_THOROUGH_ROUNDS = 20


def recipe_from(options: argparse.Namespace) -> Recipe:
    """The recipe that the options describe, at its own sizes and with its own optimizers."""
    recipe = with_steps_from(options, find_recipe(options.recipe or DEFAULT_RECIPE))
    recipe = replace(recipe, **_changes(options))
    _refuse_idle_options(recipe, options)
    return recipe


def with_steps_from(options: argparse.Namespace, recipe: Recipe) -> Recipe:
    """The recipe with as many steps as the options ask for, if they do."""
    steps: int | None = getattr(options, "steps", None)
    return recipe if steps is None else with_steps(recipe, steps)


def optimizer_from(options: argparse.Namespace) -> OptimizerChoice:
    """The optimizer that is named, or that of a recipe that is named, or else each framework's customary one."""
    choice: OptimizerChoice = options.optimizer or ("recipe" if options.recipe else "customary")
    return choice


def start_from(options: argparse.Namespace) -> str | None:
    """The picture to start from, when the options name one."""
    start: str | None = getattr(options, "init", None)
    return None if start in ("content", "noise") else start


def request_from(options: argparse.Namespace, recipe: Recipe, **rest: Any) -> Request:
    """The request of a command with pictures, weights and a device."""
    seed, shared = getattr(options, "seed", 0), ("content", "style", "weights", "device")
    values = {name: getattr(options, name) for name in shared}
    return Request(**values, init=start_from(options), seed=seed, recipe=recipe, **rest)


def measured_request_from(options: argparse.Namespace) -> Request:
    """The request of a command that measures rows."""
    return request_from(
        options,
        recipe_from(options),
        optimizer=optimizer_from(options),
        rounds=options.rounds or (_THOROUGH_ROUNDS if options.thorough else DEFAULT_ROUNDS),
        threads=options.threads or usable_cores(),
        **rows_from(options),
    )


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    changes: dict[str, Any] = {name: getattr(options, name) for name in WEIGHTS if getattr(options, name) is not None}
    for name in TAPS:
        if (text := getattr(options, name)) is not None:
            changes[name] = tuple(tap.strip() for tap in text.split(",") if tap.strip())
    if (start := getattr(options, "init", None)) is not None:
        changes["init"] = start if start in ("content", "noise") else "image"
    return changes


def _refuse_idle_options(recipe: Recipe, options: argparse.Namespace) -> None:
    # A weight without a tap, and taps without a weight, would have no effect.
    parts = (
        ("content", recipe.content_taps, recipe.content_weight),
        ("style", recipe.style_taps, recipe.style_weight),
    )
    for part, taps, weight in parts:
        asked = getattr(options, f"{part}_weight")
        if asked and not taps:
            raise RosettaError(f"{recipe.name} has no {part} tap to weigh: name one with --{part}-taps")
        if getattr(options, f"{part}_taps") and not weight and asked is None:
            raise RosettaError(f"{recipe.name} gives its {part} loss the weight 0: set --{part}-weight too")
    if options.tv_weight and recipe.tv_form == "none":
        raise RosettaError(f"{recipe.name} has no total variation to weigh: leave out --tv-weight")
