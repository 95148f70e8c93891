"""`compare.py recipes`: the recipes, with their sources and deviations."""

import argparse

from rich.padding import Padding

from common.comparison.reporting import recipe_table
from common.recipes import RECIPES
from common.terminal import console


def run(_: argparse.Namespace) -> int:
    """Print the recipes."""
    out = console()
    for recipe in RECIPES.values():
        out.print(f"[bold]{recipe.name}[/]: {recipe.source}", recipe.url or "", highlight=False)
        out.print(recipe_table(recipe))
        for deviation in recipe.deviations:
            out.print(Padding(f"- {deviation}", (0, 0, 0, 2)), highlight=False)
        out.print()
    return 0
