"""What both backends' transfers share and no framework is needed for: the stages, their starts, and the record."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np

from common.errors import RosettaError
from common.images import Image, resize
from common.lbfgs import Vector, minimize
from common.problem import Pixels, Problem
from common.recipes import LBFGS, Adam
from common.results import LossTerms, RunResult, Step

# Called with the step and a function for its picture: after Adam's update, or at the point that L-BFGS evaluated.
OnStep = Callable[[Step, Callable[[], Image]], None]
Timing = AbstractContextManager[None]


class Objective(Protocol):
    """The loss of a problem as a function of the optimized variable, in native tensors, for those who time it."""

    def variable(self, pixels: Pixels) -> Any:
        """The optimized variable as a native tensor on the problem's device."""

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term, from a forward pass."""

    def evaluate(self, pixels: Pixels, timing: Timing | None = None) -> tuple[LossTerms, Pixels]:
        """Every loss term and the gradient, as arrays (H, W, 3); `timing` is entered for the two passes."""

    def forward_terms(self, variable: Any) -> Any:
        """Every loss term from a forward pass in the problem's mode."""

    def terms_and_gradient(self, variable: Any) -> tuple[Any, Any]:
        """Every loss term, and the gradient, from one forward and one backward pass in the problem's mode."""

    def wait(self) -> None:
        """Return when the device has done all that it was given."""


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


def _now_s() -> float:
    return time.perf_counter_ns() / 1e9


class Recorder:
    """Collects the steps of a run and passes each on to `on_step`, with a function that gives its picture."""

    def __init__(self, problem: Problem, on_step: OnStep | None) -> None:
        self.problem = problem
        self._on_step = on_step
        self._start_s = self._mark_s = _now_s()
        self._setup_s = self._evaluation_s = 0.0
        self._stage = 0
        self._steps: list[Step] = []

    @contextmanager
    def setting_up(self, problem: Problem) -> Iterator[None]:
        """Begin the next stage, whose `problem` has its images at their size, and time the block as set-up."""
        self.problem = problem
        self._stage += 1
        before_s = _now_s()
        yield
        self._mark_s = _now_s()
        self._setup_s += self._mark_s - before_s

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Time the block as the forward and backward pass of the evaluation that is recorded next."""
        before_s = _now_s()
        yield
        self._evaluation_s = _now_s() - before_s

    def record(self, losses: LossTerms, pixels: Callable[[], Pixels]) -> None:
        """Add one evaluation; raise RosettaError if its loss is not finite."""
        now_s = _now_s()
        elapsed_s, duration_s = now_s - self._start_s, now_s - self._mark_s
        step = Step(len(self._steps) + 1, self._stage, elapsed_s, duration_s, self._evaluation_s, losses)
        if not math.isfinite(losses.total):
            raise RosettaError(
                f"the loss is {losses.total} at evaluation {step.evaluation}: lower the learning rate or the weights"
            )
        self._steps.append(step)
        if self._on_step is not None:
            self._on_step(step, lambda: self.problem.image(pixels()))
        self._mark_s = _now_s()

    def result(self, losses: LossTerms, pixels: Pixels) -> RunResult:
        """The finished run, whose optimized variable ended as `pixels` with these losses."""
        return RunResult(self.problem.image(pixels), losses, tuple(self._steps), self._setup_s)


def run_stages(
    objective_of: Callable[[Problem], Objective],
    run_adam: Callable[[Any, Pixels, Adam, int, Recorder], Pixels],
    init: Image | None,
    seed: int,
    recorder: Recorder,
) -> RunResult:
    """Run the stages of the recorder's problem, one after the other, from each one's picture to the next."""
    whole, previous = recorder.problem, None
    for stage in whole.recipe.stages:
        problem = whole.at(stage)
        pixels = start_pixels(problem, previous, init, seed)
        with recorder.setting_up(problem):
            objective = objective_of(problem)
        if isinstance(stage.optimizer, Adam):
            pixels = run_adam(objective, pixels, stage.optimizer, stage.steps, recorder)
        else:
            pixels = run_lbfgs(objective, pixels, stage.optimizer, stage.steps, recorder)
        previous = problem.image(pixels)
    return recorder.result(objective.loss_terms(pixels), pixels)


def run_lbfgs(objective: Objective, start: Pixels, optimizer: LBFGS, steps: int, recorder: Recorder) -> Pixels:
    """Minimise with SciPy's L-BFGS, which sees a flat float64 vector in (H, W, C) order."""

    def value_and_grad(point: Vector) -> tuple[float, Pixels]:
        pixels = point.reshape(start.shape)
        losses, gradient = objective.evaluate(pixels, recorder.evaluating())
        recorder.record(losses, lambda: pixels)
        return losses.total, gradient

    return minimize(value_and_grad, start, optimizer, steps).reshape(start.shape)
