"""What `compare.py` is asked to do, read and checked before any framework is started."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace

from common import samples
from common.backend import BACKENDS
from common.cli.options import initial_image, recipe_from
from common.comparison.rows import Group
from common.comparison.workers import Job
from common.errors import RosettaError
from common.images import Image, load_image
from common.problem import Mode, Precision, Problem
from common.recipes import Exactly, Recipe, Stage
from common.vgg19 import load_weights, locate_weights

# Not square, one side odd: a transposed axis cannot hide, and the deepest taps still have 4 and 6 positions.
_SMALL = Exactly(37, 50)


@dataclass(frozen=True, eq=False)
class Plan:
    """Two pictures and what every backend does with them; the recipes differ in their optimisers alone."""

    names: tuple[str, str]
    content: Image
    style: Image
    init: Image | None
    recipes: Mapping[str, Recipe]
    weights: str
    precision: Precision
    device: str
    seed: int

    @property
    def recipe(self) -> Recipe:
        """The recipe, for everything that does not depend on the optimiser."""
        return next(iter(self.recipes.values()))

    def problem(self, mode: Mode | None = None) -> Problem:
        """The problem with both pictures as they are, before any stage resizes them."""
        weights = load_weights(self.weights)
        return Problem(self.content, self.style, self.recipe, weights, self.precision, self.device, mode)

    def small_problem(self, mode: Mode | None = None) -> Problem:
        """A problem small enough for the oracle to be instant."""
        return self.problem(mode).at(Stage(_SMALL, 1, self.recipe.stages[0].optimizer))

    def run_problem(self, mode: Mode | None = None) -> Problem:
        """The problem at the size of the run's last stage."""
        return self.problem(mode).at(self.recipe.stages[-1])

    def within(self, precision: Precision) -> "Plan":
        """The same in another precision."""
        return replace(self, precision=precision)

    def job(self, backend: str, problem: Problem, image: Image | None) -> Job:
        """A job of one backend on the pictures of a problem, in its arithmetic and mode."""
        return Job(
            self.recipes[backend],
            self.weights,
            problem.precision,
            problem.device,
            problem.mode or BACKENDS[backend].modes[0],
            self.seed,
            problem.content,
            problem.style,
            image,
        )


def plan_from(options: argparse.Namespace) -> Plan:
    """Read what the options name, or the samples, and try every size; raise RosettaError for bad input."""
    plan = _read(options)
    if options.size is not None:
        plan.problem().try_stages()
    return plan


def plan_for(group: Group, options: argparse.Namespace) -> Plan:
    """The plan of a group of rows, at its size and in its precision; raise RosettaError for bad input."""
    return plan_from(argparse.Namespace(**{**vars(options), "size": group.size, "precision": group.precision}))


def _read(options: argparse.Namespace) -> Plan:
    if (options.content is None) != (options.style is None):
        raise RosettaError("name a content and a style picture, or neither for the samples")
    content = options.content or str(samples.CONTENT.path)
    style = options.style or str(samples.STYLE.path)
    return Plan(
        names=(content, style),
        content=load_image(content),
        style=load_image(style),
        init=initial_image(options),
        recipes={name: recipe_from(options, entry.optimizer) for name, entry in BACKENDS.items()},
        weights=locate_weights(options.weights),
        precision=options.precision,
        device=options.device,
        seed=getattr(options, "seed", 0),
    )
