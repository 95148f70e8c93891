"""What a row's measurements come to: its median and spread, and its ratio to another row, with an interval.

Time is per evaluation of loss and gradient, never per iteration.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from common.comparison.published import Positive, published

Rounds = Sequence[Sequence[float]]

_NOISY_IQR = 0.10
_CONFIDENCE = 0.95
_RESAMPLES = 9999
# The widest interval that n paired rounds can give holds the median with 1 - 2 ** (1 - n): 97% at 6, 94% at 5.
FEWEST_ROUNDS = 6
# Two processes of the same code differ by this much now and then, for as long as they live and whatever the number of
# rounds (where their memory lies, which core they are on): `compare.py selftest` shows it. Every interval has it added.
RESOLUTION = 0.015


@dataclass(frozen=True)
class Timing:
    """One row's evaluations, in seconds: median, quartiles, count, and the rounds (an empty one was missed)."""

    median_s: Positive
    quartiles_s: tuple[float, float]
    count: int
    rounds_s: tuple[tuple[float, ...], ...]

    @published
    def noisy(self) -> bool:
        """Whether the quartiles are further apart than a tenth of the median."""
        low, high = self.quartiles_s
        return high - low > _NOISY_IQR * self.median_s


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
    durations_s = [duration_s for one in rounds_s for duration_s in one]
    if not durations_s:
        return None
    low, median, high = (float(value) for value in np.percentile(durations_s, (25, 50, 75)))
    return Timing(median, (low, high), len(durations_s), tuple(tuple(one) for one in rounds_s))


def paired_ratio(row: str, rounds_s: Rounds, to: str, to_rounds_s: Rounds) -> Ratio | None:
    """The median of the ratios of the rounds that both rows measured; None when they are fewer than two.

    A round's time is the median of its evaluations, and the two are of the same moments, so that a drift of the
    machine cancels. The interval is a 95% bootstrap of the rounds (Efron and Tibshirani 1993, percentiles), widened
    on both sides by the resolution of the instrument.
    """
    pairs = [(one, other) for one, other in zip(rounds_s, to_rounds_s, strict=False) if one and other]
    if len(pairs) < 2:
        return None
    logs = np.array([np.log(np.median(one) / np.median(other)) for one, other in pairs])
    ratio, low, high = (float(np.exp(value)) for value in (np.median(logs), *bootstrap_interval((logs,), np.median)))
    return Ratio(row, to, ratio, low / (1 + RESOLUTION), high * (1 + RESOLUTION), len(pairs))


def bootstrap_interval(samples: Sequence[NDArray[np.float64]], statistic: Callable[..., Any]) -> tuple[float, float]:
    """The 95% interval of a statistic of samples that are drawn again independently (Efron and Tibshirani 1993, 13)."""
    found = bootstrap(
        samples, statistic, confidence_level=_CONFIDENCE, n_resamples=_RESAMPLES, method="percentile", rng=0
    ).confidence_interval
    return float(found.low), float(found.high)
