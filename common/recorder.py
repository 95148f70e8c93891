"""The record of a transfer: every evaluation with its losses and seconds, and the result."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common.errors import RosettaError
from common.images import Image
from common.problem import Pixels, Problem
from common.recipes import Until
from common.results import LossTerms, RunResult, Step

# Called with the step and a function for its picture: after Adam's update, or at the point that L-BFGS evaluated.
OnStep = Callable[[Step, Callable[[], Image]], None]


_WINDOW = 20  # evaluations over which the loss has to fall


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
        self._until: Until | None = None
        self._lowest: list[float] = []  # the lowest loss so far, at each evaluation of the stage
        self._steps: list[Step] = []

    @contextmanager
    def setting_up(self, problem: Problem, until: Until | None = None) -> Iterator[None]:
        """Begin the next stage, whose `problem` has its images at their size, and time the block as set-up."""
        self.problem, self._until, self._lowest = problem, until, []
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

    def is_enough(self, losses: LossTerms) -> bool:
        """Whether an evaluation with these losses, which is asked about once, ends the stage."""
        self._lowest.append(min([losses.total, *self._lowest[-1:]]))
        until = self._until or Until()
        reached = until.loss is not None and losses.total <= until.loss
        if until.change is None or len(self._lowest) <= _WINDOW:
            return reached
        return reached or self._lowest[-1] > (1 - until.change) * self._lowest[-1 - _WINDOW]

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
