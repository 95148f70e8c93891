"""`compare.py gallery`: every recipe on every backend, as one picture."""

import argparse
import sys
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

from common.cli.outputs import paths_read
from common.cli.requests import names_from, note_noise, optimizer_from, recipe_from, request_from
from common.comparison import Request, Scene
from common.comparison.progress import Progress
from common.comparison.reporting import save_grid
from common.comparison.workers import Worker
from common.errors import say
from common.images import save_or_keep
from common.recipes import RECIPES
from common.writing import check_written, claimed, write_or_keep

_GALLERY = "gallery.png"


def requests_from(options: argparse.Namespace) -> dict[str, Request]:
    """A request for each recipe that is named, or for all of them, by name."""
    recipes = [recipe_from(options, name) for name in names_from(options.recipes, "all", RECIPES)]
    changes = {"optimizer": optimizer_from(options), "precisions": (options.precision,)}
    changes |= {"sizes": (options.size,), "tiles_px": (options.tile,)}
    return {recipe.name: request_from(options, recipe=recipe, **changes) for recipe in recipes}


def run(options: argparse.Namespace) -> int:
    """Run every recipe on every backend; write each picture, and gallery.png with all of them."""
    requests, folder = requests_from(options), Path(options.report)
    written = [_file_name(recipe, row.backend) for recipe, request in requests.items() for row in request.rows]
    check_written([folder / name for name in (_GALLERY, *written)], paths_read(options))
    with claimed(folder=folder):
        return _run(requests, folder, options)


def _file_name(recipe: str, backend: str) -> str:
    return f"{recipe}-{backend}.png"


def _run(requests: Mapping[str, Request], folder: Path, options: argparse.Namespace) -> int:
    scenes = {recipe: Scene.of(request) for recipe, request in requests.items()}
    for scene in scenes.values():
        scene.check_sizes([options.size])
        scene.check_memory(*([scene.transfer(row)] for row in scene.request.rows))
    for scene in scenes.values():
        note_noise(scene.request.recipe, options)
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
                save_or_keep(folder / _file_name(recipe, row.backend), picture)
                column.append((f"{recipe}, {row.backend}", picture))
            columns.append(column)
    write_or_keep(folder / _GALLERY, lambda path: save_grid(path, list(zip_longest(*columns))))
    say(f"gallery -> {folder / _GALLERY}", sys.stdout)
    return 0
