"""A saved report that later runs are compared with, row by row."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from common.comparison.measurement import FEWEST_ROUNDS, bootstrap_interval
from common.comparison.reporting.report import Report, read_report, report_to_json
from common.errors import RosettaError
from common.writing import write_text


@dataclass(frozen=True)
class Change:
    """A row's time divided by its time in the baseline, with a 95% interval (from 0 to inf with too few rounds)."""

    row: str
    ratio: float
    low: float
    high: float

    def verdict(self, fraction: float) -> Literal["SLOWER", "inconclusive", "not slower"]:
        """Whether the row takes more time than before by over a fraction, as far as the whole interval says so."""
        if self.low > 1 + fraction:
            return "SLOWER"
        return "not slower" if self.high <= 1 + fraction else "inconclusive"

    def __str__(self) -> str:
        if not np.isfinite(self.high):
            return f"{self.row}: fewer than {FEWEST_ROUNDS} rounds, then or now, say nothing"
        return f"{self.row}: {self.ratio:.3f} times the baseline's time ({self.low:.3f} to {self.high:.3f})"


def save_baseline(report: Report, path: Path) -> None:
    """Keep a report as a baseline; an old one is replaced at once or not at all."""
    write_text(path, report_to_json(report))


def read_baseline(name: str) -> Report:
    """Read what `save_baseline` wrote, or any report.json; raise RosettaError when it is not one."""
    try:
        report = read_report(Path(name))
    except RosettaError as error:
        raise RosettaError(f"cannot use the baseline: {error}; make one with --save-baseline") from None
    if not _logs_of_rounds(report):
        raise RosettaError(f"the baseline {name!r} has no timed row that agrees: make one with --save-baseline")
    return report


def check_conditions(report: Report, baseline: Report) -> None:
    """Raise RosettaError when a baseline is of other work, or of another machine, than a report.

    The report need not be complete: the GPU is known only when something has run on it.
    """
    ours = _conditions(report)
    for name, theirs in _conditions(baseline).items():
        if ours[name] not in (None, theirs):
            other = f"the baseline has another {name}: {theirs}, not {ours[name]}"
            raise RosettaError(f"{other}; --baseline-anyway compares all the same")


def _conditions(report: Report) -> dict[str, Any]:
    return {
        "CPU": report.machine.cpu,
        "number of cores": report.machine.cores,
        "GPU": report.machine.gpu,
        "device": report.device,
        "number of threads": report.threads,
        "recipe": report.recipe,
        "network": report.network,
        "set of sizes": ", ".join(sorted({"x".join(map(str, group.size_px)) for group in report.groups})),
    }


def changes(report: Report, baseline: Report) -> list[Change]:
    """Every row that both reports have timed and that agreed in both; raise RosettaError when there is none."""
    now, before = _logs_of_rounds(report), _logs_of_rounds(baseline)
    common = [_change(name, logs, before[name]) for name, logs in now.items() if name in before]
    if not common:
        raise RosettaError(f"no row of the baseline was measured; it has {', '.join(before) or 'none'}")
    return common


def missing(report: Report, baseline: Report) -> list[str]:
    """Rows that the baseline has timed and that this run tried and could not time, or that disagree now."""
    tried, timed = {row.name for row in report.rows}, _logs_of_rounds(report)
    return [name for name in _logs_of_rounds(baseline) if name in tried and name not in timed]


def _logs_of_rounds(report: Report) -> dict[str, NDArray[np.float64]]:
    """The logarithms of the rounds' medians, by row, of the rows that agree."""
    timed = [(row.name, row.evaluation.rounds_s) for row in report.rows if row.ranked and row.evaluation is not None]
    return {name: np.log([np.median(it) for it in rounds_s if it]) for name, rounds_s in timed if any(rounds_s)}


def _change(name: str, now: NDArray[np.float64], before: NDArray[np.float64]) -> Change:
    """The ratio of two medians of rounds that were not measured in turns, so they are resampled apart."""

    def difference(ours: NDArray[np.float64], theirs: NDArray[np.float64], axis: int = -1) -> Any:
        return np.median(ours, axis=axis) - np.median(theirs, axis=axis)

    low, high = -np.inf, np.inf
    if min(len(now), len(before)) >= FEWEST_ROUNDS:
        low, high = bootstrap_interval((now, before), difference)
    ratio, low, high = (float(np.exp(value)) for value in (difference(now, before), low, high))
    return Change(name, ratio, low, high)
