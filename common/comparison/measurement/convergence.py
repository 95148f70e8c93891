"""Loss against evaluations and against seconds, and how soon each row reaches what all reach."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from common.comparison.published import Number, published
from common.results import RunResult


@dataclass(frozen=True)
class Reached:
    """The evaluations and the seconds that it took to reach a loss."""

    evaluations: int
    seconds: float


@dataclass(frozen=True)
class Convergence:
    """The total loss of every evaluation of a run's last stage, and the seconds that had passed by its end."""

    seconds: tuple[float, ...]
    losses: tuple[Number, ...]

    @published
    def best_loss(self) -> Number:
        """The lowest loss that was reached."""
        return min(self.losses)

    def reach(self, loss: float | None) -> Reached | None:
        """What it took until the loss was first reached; None when it was not, or when there is none."""
        for number, (seconds, reached) in enumerate(zip(self.seconds, self.losses, strict=True), start=1):
            if loss is not None and reached <= loss:
                return Reached(number, seconds)
        return None


def convergence_of(run: RunResult, first_evaluation_s: float) -> Convergence:
    """The curve of a run's last stage; earlier stages have another size, and so another loss.

    The first evaluation counts as long as it took in a new process, where tracing and compiling are part of it; the
    set-up before it does not count.
    """
    steps = [step for step in run.steps if step.stage == run.steps[-1].stage]
    durations_s = [first_evaluation_s, *(step.duration_s for step in steps[1:])]
    return Convergence(tuple(np.cumsum(durations_s).tolist()), tuple(step.losses.total for step in steps))


def optimizer_s(run: RunResult) -> float:
    """The median of what a step of the last stage takes besides the evaluation: update, SciPy, copies."""
    steps = [step for step in run.steps if step.stage == run.steps[-1].stage]
    return float(np.median([step.duration_s - step.evaluation_s for step in steps[1:] or steps]))


def common_loss(curves: Mapping[str, Convergence]) -> float | None:
    """The best loss that all rows reach; None without rows."""
    return max((curve.best_loss for curve in curves.values()), default=None)
