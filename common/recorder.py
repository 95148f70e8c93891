"""The record of a transfer: every evaluation with its losses and seconds, and the result."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate

from common.checkpoints import Checkpoints, Evaluated, Told, checksum_of
from common.divergence import Growth, check_finite
from common.images import Image
from common.points import Moments, Point
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

    def __init__(self, problem: Problem, on_step: OnStep | None = None, checkpoints: Checkpoints | None = None) -> None:
        self.problem = problem
        self._on_step, self._checkpoints = on_step, checkpoints
        self._start_s = self._mark_s = _now_s()
        self._setup_s = self._evaluation_s = 0.0
        self._stage = self._left = 0
        self._until: Until | None = None
        self._growth = Growth()
        self._lowest: list[float] = []  # the lowest loss so far, at each evaluation of the stage
        self._steps: list[Step] = []
        self.interrupted = checkpoints.state if checkpoints else None
        if self.interrupted is not None:
            self._steps, self._stage = list(self.interrupted.steps), self.interrupted.stage - 1
            self._start_s -= self._steps[-1].elapsed_s

    @contextmanager
    def setting_up(self, problem: Problem, until: Until | None = None) -> Iterator[None]:
        """Begin the next stage, whose `problem` has its images at their size, and time the block as set-up."""
        self.problem, self._until = problem, until
        self._stage += 1
        in_stage = (step.losses.total for step in self._steps if step.stage == self._stage)  # before an interruption
        self._lowest = list(accumulate(in_stage, min))
        self._growth = Growth(next(iter(self._lowest), None))
        before_s = _now_s()
        yield
        self._mark_s = _now_s()
        self._setup_s += self._mark_s - before_s

    def starts(self, point: Point, left: int) -> None:
        """The stage that was set up starts at a point, with as many evaluations left."""
        self._left = left
        if self._checkpoints is not None:
            self._checkpoints.starts(self._stage, self.problem, point)

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
        if until.change is not None and len(self._lowest) > _WINDOW:
            reached |= self._lowest[-1] > (1 - until.change) * self._lowest[-1 - _WINDOW]
        if reached:
            self._left = 1  # the evaluation that is recorded next
        return reached

    def record(
        self,
        losses: LossTerms,
        pixels: Callable[[], Pixels],
        moments: Callable[[], Moments | None] = lambda: None,
        gradient: Pixels | None = None,
    ) -> None:
        """Add one evaluation; raise DivergedError if its loss or gradient is not finite, or the loss grows on and on.

        `pixels` gives a copy of the variable. L-BFGS gives the `gradient` that it is told, Adam its `moments`.
        """
        now_s = _now_s()
        elapsed_s, duration_s = now_s - self._start_s, now_s - self._mark_s
        step = Step(len(self._steps) + 1, self._stage, elapsed_s, duration_s, self._evaluation_s, losses)
        check_finite(self.problem, losses, step.evaluation, gradient)
        self._growth.check(self.problem, losses, step.evaluation)
        self._steps.append(step)
        self._left -= 1
        if self._on_step is not None:
            self._on_step(step, lambda: self.problem.image(pixels()))
        if self._checkpoints is not None:
            at = pixels()
            told = None if gradient is None else Told(checksum_of(at), losses.total, gradient)
            self._checkpoints.evaluated(Evaluated(self._steps, self._left, at, moments, told))
        self._mark_s = _now_s()

    def result(self, losses: LossTerms, pixels: Pixels) -> RunResult:
        """The finished run, whose optimized variable ended as `pixels` with these losses.

        Raises DivergedError for losses that are not finite.
        """
        check_finite(self.problem, losses, len(self._steps))
        return RunResult(self.problem.image(pixels), losses, tuple(self._steps), self._setup_s)
