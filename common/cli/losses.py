"""`compare.py losses`: every loss term of one picture, which is what a porter needs first."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

from common import oracle
from common.backend import BACKENDS
from common.cli.plans import recipe_from, request_from
from common.comparison import Request, Scene
from common.comparison.agreement import ORACLE, Quantity
from common.comparison.progress import Progress
from common.comparison.reporting import losses_table
from common.comparison.workers import Worker
from common.distances import relative
from common.images import Image, load_image, resize
from common.problem import Problem
from common.results import LossTerms
from common.terminal import console
from common.tolerances import NEGLIGIBLE_TERM, bounds_for


def run(options: argparse.Namespace) -> int:
    """Print the terms by the oracle and each backend; 0 when they agree, 1 when not."""
    request = request_from(options, recipe_from(options), precisions=(options.precision,))
    return print_losses(request, load_image(options.image), options.size, options.json)


def print_losses(request: Request, image: Image, size: str | None, as_json: bool) -> int:
    """Print every loss term at an image, of the pictures as they are or at a size, as a table or as JSON."""
    scene, precision = Scene.of(request), request.precisions[0]
    problem = scene.problem(precision) if size is None else scene.problem_at(precision, size)
    if size is not None:
        image = resize(image, *problem.content.shape[:2])
    problem.pixels(image)  # says what is wrong with the sizes before anything is started
    terms = _terms(scene, problem, image)
    rows = _compared(terms, bounds_for(precision).losses)
    agrees = all(row.agrees for row in rows)
    if as_json:
        print(json.dumps(_to_json(problem, terms, agrees), indent=1))
    else:
        height, width = problem.content.shape[:2]
        console().print(f"{problem.recipe.name}, {precision}, {height}x{width} px")
        console().print(losses_table(terms, rows))
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
    values = {name: it.by_name() for name, it in terms.items()}
    floor = NEGLIGIBLE_TERM * max(numbers["total"] for numbers in values.values())
    pairs = list(combinations(values, 2))
    return [
        Quantity(term, {f"{a}-{b}": relative(values[a][term], values[b][term], floor) for a, b in pairs}, bound)
        for term in values[ORACLE]
    ]


def _to_json(problem: Problem, terms: dict[str, LossTerms], agrees: bool) -> dict[str, Any]:
    return {
        "recipe": problem.recipe.name,
        "precision": problem.precision,
        "size_px": list(problem.content.shape[:2]),
        "weights_sha256": problem.weights.sha256,
        "agrees": agrees,
        "losses": {name: it.by_name() for name, it in terms.items()},
    }
