"""`compare.py losses`: every loss term of one picture, which is what a porter needs first."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

from common import oracle
from common.backend import BACKENDS
from common.comparison.agreement import ORACLE, Quantity
from common.comparison.plan import Plan, plan_from
from common.comparison.reporting import losses_table
from common.comparison.workers import Worker
from common.distances import relative
from common.images import Image, load_image, resize
from common.problem import Problem
from common.progress import progress_bar
from common.results import LossTerms
from common.terminal import console
from common.tolerances import NEGLIGIBLE_TERM, bounds_for


def losses_command(options: argparse.Namespace) -> int:
    """Print the terms by the oracle and each backend; 0 when they agree, 1 when not."""
    image = load_image(options.image)
    plan = plan_from(options)
    problem = plan.problem() if options.size is None else plan.run_problem()
    if options.size is not None:
        image = resize(image, *problem.content.shape[:2])
    problem.pixels(image)  # says what is wrong with the sizes before anything is started
    terms = _terms(plan, problem, image)
    rows = _compared(terms, bounds_for(problem.precision).losses)
    agrees = all(row.agrees for row in rows)
    if options.json:
        print(json.dumps(_to_json(plan, problem, terms, agrees), indent=1))
    else:
        console().print(
            f"{plan.recipe.name}, {problem.precision}, {problem.content.shape[0]}x{problem.content.shape[1]} px"
        )
        console().print(losses_table(terms, rows))
    return 0 if agrees else 1


def _terms(plan: Plan, problem: Problem, image: Image) -> dict[str, LossTerms]:
    with progress_bar(len(BACKENDS) + 1, ORACLE, "check") as bar:
        terms = {ORACLE: oracle.losses(image, replace(problem, precision="float64"))}
        bar.update()
        for name, entry in BACKENDS.items():
            bar.set_description(entry.label)
            with Worker(name) as worker:
                outcome = worker.ask("losses", plan.job(name, problem, image))
            terms[name] = LossTerms(**outcome.values["losses"])
            bar.update()
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


def _to_json(plan: Plan, problem: Problem, terms: dict[str, LossTerms], agrees: bool) -> dict[str, Any]:
    return {
        "recipe": plan.recipe.name,
        "precision": problem.precision,
        "size_px": list(problem.content.shape[:2]),
        "weights_sha256": problem.weights.sha256,
        "agrees": agrees,
        "losses": {name: it.by_name() for name, it in terms.items()},
    }
