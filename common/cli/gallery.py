"""`compare.py gallery`: every recipe on every backend, as one picture."""

import argparse
import sys
from itertools import zip_longest

from common.cli.requests import optimizer_from, recipe_from, request_from
from common.comparison import Request, Scene
from common.comparison.progress import Progress
from common.comparison.rendering import report_folder
from common.comparison.reporting import save_grid
from common.comparison.workers import Worker
from common.errors import say
from common.images import save_image
from common.recipes import RECIPES


def requests_from(options: argparse.Namespace) -> dict[str, Request]:
    """A request for each recipe that is named, or for all of them, by name."""
    names = RECIPES if options.recipes is None else [name.strip() for name in options.recipes.split(",")]
    recipes = [recipe_from(options, name) for name in names]
    changes = {"optimizer": optimizer_from(options), "precisions": (options.precision,), "sizes": (options.size,)}
    return {recipe.name: request_from(options, recipe=recipe, **changes) for recipe in recipes}


def run(options: argparse.Namespace) -> int:
    """Run every recipe on every backend; write each picture, and gallery.png with all of them."""
    scenes = {recipe: Scene.of(request) for recipe, request in requests_from(options).items()}
    for scene in scenes.values():
        scene.check_sizes([options.size])
    folder = report_folder(options.report)
    shown = next(iter(scenes.values())).problem_at(options.precision, options.size)
    columns = [[("content", shown.content), ("style", shown.style)]]
    with Progress() as progress:
        for recipe, scene in scenes.items():
            column = []
            progress.stage(recipe, scene.request.recipe.steps * len(scene.request.rows))
            for row in scene.request.rows:
                progress.say(row.backend)
                problem = scene.for_row(row, scene.problem(options.precision, options.size))
                with Worker(row.backend) as worker:
                    job = scene.job(problem, scene.init)
                    outcome = worker.ask("stylize", job, lambda kind, _: progress.advance(kind == "step"))
                picture = outcome.arrays["image"]
                save_image(folder / f"{recipe}-{row.backend}.png", picture)
                column.append((f"{recipe}, {row.backend}", picture))
            columns.append(column)
    save_grid(folder / "gallery.png", list(zip_longest(*columns)))
    say(f"gallery -> {folder / 'gallery.png'}", sys.stdout)
    return 0
