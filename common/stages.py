"""A transfer stage by stage: where each starts, and its loop: with the backend's Adam, or with SciPy's L-BFGS."""

from collections.abc import Callable, Sequence

import numpy as np

from common.checkpoints import Told
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
    init: Image | None,
    seed: int,
    recorder: Recorder,
) -> RunResult:
    """Run the stages of the recorder's problem, one after the other, from each one's picture to the next."""
    whole, state = recorder.problem, recorder.interrupted
    before: tuple[Problem, Point] | None = None
    for stage in whole.recipe.stages[state.stage - 1 if state else 0 :]:
        problem = whole.at(stage)
        point = state.point if state else _start(stage, problem, before, init, seed)
        left, told = (state.left, state.told) if state else (stage.steps, ())
        with recorder.setting_up(problem, stage.until):
            objective = _objective(objective_of, problem, stage.bfloat16_steps - (stage.steps - left))
        recorder.starts(point, left)
        with objective.scope():
            if isinstance(stage.optimizer, Adam):
                end = run_adam(objective, point, stage.optimizer, left, recorder)
            else:
                end = run_lbfgs(objective, point, stage.optimizer, left, recorder, told)
        before, state = (problem, end), None
    return recorder.result(objective.loss_terms(end.pixels), end.pixels)


def _start(
    stage: Stage, problem: Problem, before: tuple[Problem, Point] | None, init: Image | None, seed: int
) -> Point:
    """Where a stage starts, after the problem of the stage before and the point at which that one ended."""
    if before is None:
        return Point(start_pixels(problem, None, init, seed))
    earlier, end = before
    pixels = start_pixels(problem, earlier.image(end.pixels), init, seed)
    return Point(pixels, end.moments.resized(*pixels.shape[:2]) if end.moments and stage.continues else None)


def _objective(objective_of: Callable[[Problem], Objective], problem: Problem, bfloat16_steps: int) -> Objective:
    return MixedObjective(objective_of, problem, bfloat16_steps) if bfloat16_steps > 0 else objective_of(problem)


def run_adam(objective: Objective, start: Point, optimizer: Adam, steps: int, recorder: Recorder) -> Point:
    """Minimise with the backend's Adam, in native tensors throughout; every step is one evaluation."""
    update = objective.adam(start, optimizer)
    for _ in range(steps):
        with recorder.evaluating():
            terms, gradient = objective.terms_and_gradient(update.variable)
            losses = objective.numbers(terms)
            objective.wait()
        if not (is_enough := recorder.is_enough(losses)):  # else the picture is the point that was evaluated
            update(gradient)
            objective.wait()
        recorder.record(losses, lambda: objective.to_numpy(update.variable), update.moments)
        if is_enough:
            break
    return Point(objective.to_numpy(update.variable), update.moments())


def run_lbfgs(
    objective: Objective, start: Point, optimizer: LBFGS, steps: int, recorder: Recorder, told: Sequence[Told] = ()
) -> Point:
    """Minimise with SciPy's L-BFGS, which sees a flat float64 vector in (H, W, C) order.

    `told` is what L-BFGS was told from this start before an interruption, and is told again; `steps` are further ones.
    """
    if not told and steps == 0:  # the run was stopped after its last evaluation, and what was told is not kept
        return start
    from common.lbfgs import Vector, minimize  # here, since SciPy takes long to import, and Adam needs none

    is_enough, shape, again = False, start.pixels.shape, iter(told)

    def value_and_grad(point: Vector) -> tuple[float, Pixels]:
        nonlocal is_enough
        pixels = point.reshape(shape)
        if (before := next(again, None)) is not None:
            return before.at(pixels)
        losses, gradient = objective.evaluate(pixels, recorder.evaluating())
        is_enough = recorder.is_enough(losses)
        recorder.record(losses, pixels.copy, gradient=gradient)
        return losses.total, gradient

    end = minimize(value_and_grad, start.pixels, optimizer, len(told) + steps, is_enough=lambda: is_enough)
    return Point(end.reshape(shape))
