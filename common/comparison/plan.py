"""What `compare.py` is asked to do, read and checked before any framework is started."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from common import samples
from common.backend import BACKENDS
from common.comparison.jobs import Action, Job
from common.errors import RosettaError
from common.images import Image, load_image
from common.load_weights import load_weights
from common.options import initial_image, recipe_from
from common.problem import Precision, Problem
from common.spec.recipe import Exactly, Recipe, Stage

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
    weights: str | None
    precision: Precision
    device: str
    seed: int

    @property
    def recipe(self) -> Recipe:
        """The recipe, for everything that does not depend on the optimiser."""
        return next(iter(self.recipes.values()))

    def problem(self) -> Problem:
        """The problem with both pictures as they are, before any stage resizes them."""
        weights = load_weights(self.weights)
        return Problem(self.content, self.style, self.recipe, weights, self.precision, self.device)

    def small_problem(self) -> Problem:
        """A problem small enough for the oracle to be instant, in float64."""
        return replace(self.at(Stage(_SMALL, 1, self.recipe.stages[0].optimizer)), precision="float64")

    def run_problem(self) -> Problem:
        """The problem at the size and in the precision of the run's last stage."""
        return self.at(self.recipe.stages[-1])

    def at(self, stage: Stage) -> Problem:
        """The problem at a stage's size."""
        return self.problem().at(stage)

    def job(self, backend: str, action: Action, problem: Problem, image: Image | None) -> Job:
        """A job of one backend on the pictures of a problem."""
        return Job(
            backend,
            action,
            self.recipes[backend],
            self.weights,
            problem.precision,
            problem.device,
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
        weights=options.weights,
        precision=options.precision,
        device=options.device,
        seed=getattr(options, "seed", 0),
    )


def probe(problem: Problem) -> Image:
    """Where the backends are compared: the content with some noise, so that no loss term is 0."""
    noise = np.random.default_rng(0).normal(0, 0.1, problem.content.shape)
    return np.clip(problem.content + noise, 0, 1).astype(np.float32)
