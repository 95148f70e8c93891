"""A transfer stage by stage: where each starts, and its optimizer: the backend's Adam, or L-BFGS, which stands here."""

from collections.abc import Callable
from typing import Any

import numpy as np

from common.errors import RosettaError
from common.images import Image, resize
from common.mixed_objective import MixedObjective
from common.objective import Objective
from common.points import Point
from common.problem import Pixels, Problem
from common.recipes import LBFGS, Adam, Stage
from common.recorder import Recorder
from common.results import RunResult


def start_pixels(problem: Problem, previous: Image | None, init: Image | None, seed: int) -> Pixels:
    """The optimized variable at the start of a stage, whose images `problem` holds at their size.

    The first stage starts from the content, from `init`, or from uniform noise drawn in NumPy so that every
    backend starts from the same; a later one from the `previous` stage's picture, resized.
    """
    height, width = problem.content.shape[:2]
    if previous is not None:
        return problem.pixels(resize(previous, height, width))
    if problem.recipe.init == "noise":
        return problem.pixels(np.random.default_rng(seed).random((height, width, 3), np.float32))
    if problem.recipe.init == "content":
        return problem.pixels(problem.content)
    if init is None:
        raise RosettaError("the recipe starts from an image and none was given: pass init")
    return problem.pixels(resize(init, height, width))


def run_stages(
    objective_of: Callable[[Problem], Objective],
    run_adam: Callable[[Any, Point, Adam, int, Recorder], Point],
    init: Image | None,
    seed: int,
    recorder: Recorder,
) -> RunResult:
    """Run the stages of the recorder's problem, one after the other, from each one's picture to the next."""
    whole, previous, moments = recorder.problem, None, None
    for stage in whole.recipe.stages:
        problem = whole.at(stage)
        pixels = start_pixels(problem, previous, init, seed)
        point = Point(pixels, moments.resized(*pixels.shape[:2]) if moments and stage.continues else None)
        with recorder.setting_up(problem, stage.until):
            objective = _objective(objective_of, problem, stage)
        if isinstance(stage.optimizer, Adam):
            point = run_adam(objective, point, stage.optimizer, stage.steps, recorder)
        else:
            point = run_lbfgs(objective, point, stage.optimizer, stage.steps, recorder)
        previous, moments = problem.image(point.pixels), point.moments
    return recorder.result(objective.loss_terms(point.pixels), point.pixels)


def _objective(objective_of: Callable[[Problem], Objective], problem: Problem, stage: Stage) -> Objective:
    rough_steps = stage.rough_steps
    return MixedObjective(objective_of, problem, rough_steps) if rough_steps else objective_of(problem)


def run_lbfgs(objective: Objective, start: Point, optimizer: LBFGS, steps: int, recorder: Recorder) -> Point:
    """Minimise with SciPy's L-BFGS, which sees a flat float64 vector in (H, W, C) order."""
    from common.lbfgs import Vector, minimize  # here, since SciPy takes long to import, and Adam needs none

    is_enough, shape = False, start.pixels.shape

    def value_and_grad(point: Vector) -> tuple[float, Pixels]:
        nonlocal is_enough
        pixels = point.reshape(shape)
        losses, gradient = objective.evaluate(pixels, recorder.evaluating())
        is_enough = recorder.is_enough(losses)
        recorder.record(losses, lambda: pixels)
        return losses.total, gradient

    end = minimize(value_and_grad, start.pixels, optimizer, steps, is_enough=lambda: is_enough)
    return Point(end.reshape(shape))
