"""What is made of measurements: median and spread, ratios, convergence, the roofline, and the processor time of others.

Time is per evaluation of loss and gradient, never per iteration.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from scipy.stats import bootstrap

from common.comparison.published import Number, Positive, published
from common.machine import usable_cores
from common.recipes import Recipe
from common.results import RunResult, Step
from common.vgg19 import cut, shape_at, tiles

Rounds = Sequence[Sequence[float]]

# The widest interval that n paired rounds can give holds the median with 1 - 2 ** (1 - n): 97% at 6, 94% at 5.
FEWEST_ROUNDS = 6
# Two processes of the same code differ by this much now and then, for as long as they live and whatever the number of
# rounds (where their memory lies, which core they are on): `compare.py selftest` shows it. Every interval has it added.
RESOLUTION = 0.015
# Matrix products, from the smallest (1024, 1024) on, and how long as many as are measured have to take.
_SMALLEST, _LARGEST, _PRODUCTS, _PRODUCTS_S = 1024, 8192, 12, 0.5
# What a desktop does by itself stays below; a second benchmark, a build or a test run does not.
QUIET = 0.10


@dataclass(frozen=True)
class Timing:
    """One row's evaluations, in seconds: median, quartiles, count, and the rounds (an empty one was missed)."""

    median_s: Positive
    quartiles_s: tuple[float, float]
    count: int
    rounds_s: tuple[tuple[Positive, ...], ...]

    @published
    def noisy(self) -> bool:
        """Whether the quartiles are further apart than a tenth of the median."""
        low, high = self.quartiles_s
        return high - low > 0.1 * self.median_s


@dataclass(frozen=True)
class Ratio:
    """How long `row` takes by how long `to` takes, and the interval that rounds and instrument leave open."""

    row: str
    to: str
    ratio: Positive
    low: Positive
    high: Positive
    rounds: int

    @property
    def shown(self) -> bool:
        """Whether the interval leaves no doubt which of the two is faster."""
        return self.rounds >= FEWEST_ROUNDS and not self.low <= 1 <= self.high

    @published
    def verdict(self) -> str:
        """The ratio in words, as a number from 1 up."""
        if self.rounds < FEWEST_ROUNDS:
            return f"no difference shown: {self.rounds} rounds are too few"
        if not self.shown:
            return f"no difference shown ({self.low:.2f} to {self.high:.2f})"
        if self.ratio > 1:
            return f"{self.ratio:.2f}x slower ({self.low:.2f} to {self.high:.2f})"
        return f"{1 / self.ratio:.2f}x faster ({1 / self.high:.2f} to {1 / self.low:.2f})"


def summarise(rounds_s: Rounds) -> Timing | None:
    """The timing of all evaluations of all rounds; None when there is none."""
    durations_s = [duration_s for durations_s in rounds_s for duration_s in durations_s]
    if not durations_s:
        return None
    low, median, high = (float(value) for value in np.percentile(durations_s, (25, 50, 75)))
    return Timing(median, (low, high), len(durations_s), tuple(map(tuple, rounds_s)))


def paired_ratio(row: str, rounds_s: Rounds, to: str, to_rounds_s: Rounds) -> Ratio | None:
    """The median of the ratios of the rounds that both rows measured; None when they are fewer than two.

    A round's time is the median of its evaluations, and the two are of the same moments, so that a drift of the
    machine cancels. The interval is a 95% bootstrap of the rounds (Efron and Tibshirani 1993, percentiles), widened
    on both sides by the resolution of the instrument.
    """
    pairs = [both for both in zip(rounds_s, to_rounds_s, strict=False) if all(both)]
    if len(pairs) < 2:
        return None
    logs = np.array([np.log(np.median(ours_s) / np.median(theirs_s)) for ours_s, theirs_s in pairs])
    ratio, low, high = (float(np.exp(value)) for value in (np.median(logs), *bootstrap_interval((logs,), np.median)))
    return Ratio(row, to, ratio, low / (1 + RESOLUTION), high * (1 + RESOLUTION), len(pairs))


def bootstrap_interval(samples: Sequence[NDArray[np.float64]], statistic: Callable[..., Any]) -> tuple[float, float]:
    """The 95% interval of a statistic of samples that are drawn again independently (Efron and Tibshirani 1993, 13)."""
    drawn = bootstrap(samples, statistic, confidence_level=0.95, n_resamples=9999, method="percentile", rng=0)
    interval = drawn.confidence_interval
    return float(interval.low), float(interval.high)


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
        reached = [place for place, value in enumerate(self.losses) if loss is not None and value <= loss]
        return Reached(reached[0] + 1, self.seconds[reached[0]]) if reached else None


def convergence_of(run: RunResult, first_evaluation_s: float) -> Convergence:
    """The curve of a run's last stage; earlier stages have another size, and so another loss.

    The first evaluation counts as long as it took in a new process, where tracing and compiling are part of it; the
    set-up before it does not count.
    """
    steps = _last_stage(run)
    durations_s = [first_evaluation_s, *(step.duration_s for step in steps[1:])]
    return Convergence(tuple(np.cumsum(durations_s).tolist()), tuple(step.losses.total for step in steps))


def optimizer_s(run: RunResult) -> float:
    """The median of what a step of the last stage takes besides the evaluation: update, SciPy, copies."""
    steps = _last_stage(run)
    return float(np.median([step.duration_s - step.evaluation_s for step in steps[1:] or steps]))


def _last_stage(run: RunResult) -> list[Step]:
    return [step for step in run.steps if step.stage == run.steps[-1].stage]


def common_loss(curves: Mapping[str, Convergence]) -> float | None:
    """The best loss that all rows reach; None without rows."""
    return max((curve.best_loss for curve in curves.values()), default=None)


@dataclass(frozen=True)
class Limit:
    """Floating-point operations of an evaluation, and per second: reached, in a matrix product, at most by any row.

    `product_flops_per_s` is what the row's interpreter reached, `ceiling_flops_per_s` the most that any row of its
    precision did: all of them are measured against the machine, and none against its own framework.
    """

    flops: int
    flops_per_s: float
    product_flops_per_s: float
    ceiling_flops_per_s: float

    @published
    def fraction(self) -> float:
        """The speed as a fraction of the ceiling; a convolution by fewer operations (Winograd) may pass 1."""
        return self.flops_per_s / self.ceiling_flops_per_s


def ceiling_flops_per_s(products_s: Callable[[int, int], Sequence[float]]) -> float:
    """The fastest product of a series by `products_s(size, count)`; matrices grow until a product fills the device."""
    size = _SMALLEST
    while size < _LARGEST and min(products_s(size, 3)) < _PRODUCTS_S / _PRODUCTS:
        size *= 2
    return 2 * size**3 / min(products_s(size, _PRODUCTS))


def evaluation_flops(recipe: Recipe, height_px: int, width_px: int) -> int:
    """The operations of one forward pass and of the gradient with respect to the image.

    A multiplication and an addition count as two. Counted are the convolutions, each once forward and once for the
    gradient of its input (the kernels are frozen), and the products of the Gram matrices, F^T F forward and
    F (G - A) backward; all else is below a percent.
    """
    return 2 * forward_flops(recipe, height_px, width_px)


def tiled_flops(recipe: Recipe, height_px: int, width_px: int, tile_px: int | None) -> int:
    """The operations of an evaluation in tiles: a forward pass, and then another with the gradient, of every window."""
    windows = [it.window for it in tiles((height_px, width_px), tile_px, recipe.taps)]
    if len(windows) == 1:
        return evaluation_flops(recipe, height_px, width_px)
    sizes = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in windows]
    return sum(forward_flops(recipe, *size) + evaluation_flops(recipe, *size) for size in sizes)


def forward_flops(recipe: Recipe, height_px: int, width_px: int) -> int:
    """The operations of the convolutions and Gram matrices of one forward pass."""
    flops = 0
    for layer in cut(recipe.taps):
        height, width, _ = shape_at(layer.name, (height_px, width_px))
        positions = height * width
        if layer.kind == "conv":
            flops += 2 * positions * 9 * layer.in_channels * layer.out_channels
        if layer.name in recipe.style_taps:
            flops += 2 * positions * layer.out_channels**2
    return flops


class Others:
    """Watches from its making on how much processor time went to others than this process and the given ones."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in (*pids, os.getpid())]
        self._start_s, self._taken_before_s = time.monotonic(), self._taken_s()

    def fraction(self) -> float | None:
        """The part of the machine's processor time that others took; None when one of the processes has ended."""
        taken_s, before_s = self._taken_s(), self._taken_before_s
        if taken_s is None or before_s is None:
            return None
        return max(0.0, (taken_s - before_s) / ((time.monotonic() - self._start_s) * usable_cores()))

    def _taken_s(self) -> float | None:
        """The processor time that others have taken since the machine started."""
        try:
            ours_s = sum(sum(process.cpu_times()[:2]) for process in self._processes)
        except psutil.Error:
            return None
        every = psutil.cpu_times()
        return float(every.user + every.system + getattr(every, "steal", 0.0)) - ours_s
