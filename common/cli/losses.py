"""`compare.py losses`: every loss term of one picture, which is what a porter needs first."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from rich.table import Table

from common import oracle
from common.backend import BACKENDS
from common.cli.requests import recipe_from, request_from
from common.comparison import Scene
from common.comparison.agreement import ORACLE, Quantity
from common.comparison.progress import Progress
from common.comparison.reporting import verdict_cell
from common.comparison.workers import Worker
from common.distances import relative
from common.images import Image, load_image, resize
from common.problem import Problem
from common.results import LossTerms
from common.terminal import console
from common.tolerances import NEGLIGIBLE_TERM, bounds_for


def run(options: argparse.Namespace) -> int:
    """Print every term at an image, of the pictures as they are or at a size; 0 when all agree, 1 when not."""
    precision, size = options.precision, options.size
    request = request_from(options, recipe_from(options), precisions=(precision,))
    image, scene = load_image(options.image), Scene.of(request)
    problem = scene.problem(precision) if size is None else scene.problem_at(precision, size)
    height, width = problem.content.shape[:2]
    if size is not None:
        image = resize(image, height, width)
    problem = replace(problem, tile_px=options.tile)
    problem.check_tiled()
    problem.pixels(image)  # says what is wrong with the sizes before anything is started
    terms = _terms(scene, problem, image)
    rows = _compared(terms, bounds_for(precision).losses)
    agrees = all(row.agrees for row in rows)
    if options.json:
        values = {
            "recipe": problem.recipe.name,
            "precision": precision,
            "size_px": [height, width],
            "weights_sha256": problem.weights.sha256,
            "agrees": agrees,
            "losses": {name: losses.by_name() for name, losses in terms.items()},
        }
        print(json.dumps(values, indent=1))
    else:
        console().print(f"{problem.recipe.name}, {precision}, {height}x{width} px")
        console().print(_table(terms, rows))
    return 0 if agrees else 1


def _terms(scene: Scene, problem: Problem, image: Image) -> dict[str, LossTerms]:
    with Progress() as progress:
        progress.stage("losses", 1 + len(BACKENDS))
        progress.say(ORACLE)
        terms = {ORACLE: oracle.losses(image, replace(problem, precision="float64"))}
        for name, entry in BACKENDS.items():
            progress.advance()
            progress.say(entry.label)
            with Worker(name) as worker:
                outcome = worker.ask("losses", scene.job(problem, image))
            terms[name] = LossTerms(**outcome.values["losses"])
    return terms


def _compared(terms: Mapping[str, LossTerms], bound: float) -> list[Quantity]:
    """One row for each loss term, and one for the total, with the relative difference of every pair."""
    values = {name: losses.by_name() for name, losses in terms.items()}
    floor = NEGLIGIBLE_TERM * max(numbers["total"] for numbers in values.values())
    pairs = list(combinations(values, 2))
    return [
        Quantity(term, {f"{a}-{b}": relative(values[a][term], values[b][term], floor) for a, b in pairs}, bound)
        for term in values[ORACLE]
    ]


def _table(terms: Mapping[str, LossTerms], rows: list[Quantity]) -> Table:
    """Every loss term by implementation, with the largest relative difference of any two."""
    table = Table(title_justify="left")
    table.add_column("term", no_wrap=True)
    for name in (*terms, "largest difference"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for row in rows:
        values = [f"{losses.by_name()[row.quantity]:.10g}" for losses in terms.values()]
        table.add_row(row.quantity, *values, f"{max(row.differences.values()):.1e}", verdict_cell(row))
    return table
