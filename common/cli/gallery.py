"""`compare.py gallery`: every recipe on every backend, as one picture."""

import argparse
from collections.abc import Mapping
from itertools import zip_longest

from common.cli.plans import request_from, with_steps_from
from common.comparison import Request, Row, Scene
from common.comparison.progress import Progress
from common.comparison.rendering import report_folder
from common.comparison.reporting import save_grid
from common.comparison.workers import Worker
from common.images import Image, save_image
from common.recipes import RECIPES, find_recipe


def run(options: argparse.Namespace) -> int:
    """Write gallery.png and each picture into the report's folder."""
    make_gallery(requests_from(options), options.report)
    return 0


def requests_from(options: argparse.Namespace) -> dict[str, Request]:
    """A request for each recipe that is named, or for all of them, by name."""
    names = RECIPES if options.recipes is None else [name.strip() for name in options.recipes.split(",")]
    recipes = [with_steps_from(options, find_recipe(name)) for name in names]
    changes = {"optimizer": options.optimizer, "precisions": (options.precision,), "sizes": (options.size,)}
    return {recipe.name: request_from(options, recipe=recipe, **changes) for recipe in recipes}


def make_gallery(requests: Mapping[str, Request], report: str) -> None:
    """Run every request's rows to the end; write each picture, and gallery.png with all of them."""
    scenes = {recipe: Scene.of(request) for recipe, request in requests.items()}
    for recipe, scene in scenes.items():
        scene.check_sizes(requests[recipe].sizes)
    folder = report_folder(report)
    first = next(iter(requests.values())).rows[0]
    shown = next(iter(scenes.values())).problem_at(first.group.precision, first.group.size)
    columns = [[("content", shown.content), ("style", shown.style)]]
    with Progress() as progress:
        for recipe, request in requests.items():
            columns.append([])
            progress.stage(recipe, scenes[recipe].recipe.steps * len(request.rows))
            for row in request.rows:
                progress.say(row.backend)
                picture = _picture(scenes[recipe], row, progress)
                save_image(folder / f"{recipe}-{row.backend}.png", picture)
                columns[-1].append((f"{recipe}, {row.backend}", picture))
    save_grid(folder / "gallery.png", list(zip_longest(*columns)))
    print(f"gallery -> {folder / 'gallery.png'}")


def _picture(scene: Scene, row: Row, progress: Progress) -> Image:
    job = scene.job(scene.for_row(row, scene.problem(row.group.precision, row.group.size)), scene.init)
    with Worker(row.backend) as worker:
        outcome = worker.ask("stylize", job, lambda kind, _: progress.advance(kind == "step"))
    image: Image = outcome.arrays["image"]
    return image
