"""`compare.py recipes`: the recipes, with their sources and deviations."""

import argparse

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from common.cli.requests import ENOUGH_FROM_NOISE
from common.recipes import FOR_PICTURES, RECIPES, Adam, Recipe, Stage
from common.terminal import console


def run(_: argparse.Namespace) -> int:
    """Print the recipes."""
    out = console()
    for recipe in RECIPES.values():
        out.print(Text.assemble((recipe.name, "bold"), f": {recipe.source}"), recipe.url or "", highlight=False)
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
        for label, text in _lines(recipe).items():
            table.add_row(f"  {label}", text)
        out.print(table)
        for deviation in recipe.deviations:
            out.print(Padding(f"- {deviation}", (0, 0, 0, 2)), highlight=False)
        out.print()
    out.print(f"For pictures start with {FOR_PICTURES}.", highlight=False)
    return 0


def _lines(recipe: Recipe) -> dict[str, str]:
    """What a recipe decides, in words."""
    weights = (recipe.content_weight, recipe.style_weight, recipe.tv_weight)
    return {
        "style taps": " ".join(recipe.style_taps),
        "content tap": " ".join(recipe.content_taps) or "none",
        "pooling": recipe.pooling,
        "convention": recipe.convention,
        "weights: content, style, TV": " ".join(f"{weight:g}" for weight in weights),
        "total variation": recipe.tv_form,
        "pixel space": recipe.pixel_space.name,
        "stages": "; ".join(map(_stage, recipe.stages)),
        "style image resized": "to the content's size" if recipe.style_size == "content" else "on its own",
        "start": recipe.init if recipe.init != "noise" else f"noise: needs {ENOUGH_FROM_NOISE} steps or more",
    }


def _stage(stage: Stage) -> str:
    optimizer = stage.optimizer
    if isinstance(optimizer, Adam):
        decay = f" x{optimizer.decay:g} every {optimizer.decay_every}" if optimizer.decay_every else ""
        words = f"Adam {optimizer.learning_rate:g}{decay}"
    else:
        restarts = f", restarted by maxfun={optimizer.maxfun}" if optimizer.maxfun else ""
        words = f"L-BFGS memory {optimizer.memory}{restarts}"
    return f"{stage.size}, {stage.steps} steps, {words}"
