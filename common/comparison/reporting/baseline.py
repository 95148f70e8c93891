"""A saved report that later runs are compared with, row by row."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.comparison.measurement import FEWEST_ROUNDS, bootstrap_interval
from common.comparison.reporting.serialization import SCHEMA
from common.errors import RosettaError, one_line
from common.images import write_text

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """How long a row takes now by how long it took in the baseline, with a 95% interval (all, of too few rounds)."""

    row: str
    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.row}: {self.ratio:.3f} times the baseline's time ({self.low:.3f} to {self.high:.3f})"


def save_baseline(report: Values, path: Path) -> None:
    """Keep a report as a baseline; an old one is replaced at once or not at all."""
    write_text(path, json.dumps(report, indent=1))


def read_baseline(name: str) -> Values:
    """Read what `save_baseline` wrote, or any report.json; raise RosettaError when it is not one."""
    try:
        report = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RosettaError(
            f"cannot read the baseline {name!r} ({one_line(error)}): make one by --save-baseline"
        ) from None
    try:
        whole = report["schema"] == SCHEMA and bool(conditions(report)) and bool(_timed(report))
    except (KeyError, TypeError, IndexError):
        whole = False
    if not whole:
        raise RosettaError(f"{name!r} is no report of schema {SCHEMA} with a timed row: make one by --save-baseline")
    return dict(report)


def conditions(report: Values) -> dict[str, Any]:
    """What must be the same for two reports to be of the same work on the same machine."""
    sizes = sorted({"x".join(map(str, row["size_px"])) for row in report["rows"]})
    return {
        "CPU": report["machine"]["cpu"],
        "number of cores": report["machine"]["cores"],
        "GPU": report["machine"]["gpu"],
        "device": report["device"],
        "number of threads": report["threads"],
        "recipe": report["recipe"],
        "network": report["network"],
        "set of sizes": ", ".join(sizes),
    }


def check_conditions(report: Values, baseline: Values) -> None:
    """Raise RosettaError when a baseline is of other conditions than a report.

    The report need not be complete: the GPU is known only when something has run on it.
    """
    ours = conditions(report)
    for what, theirs in conditions(baseline).items():
        if ours[what] not in (None, theirs):
            raise RosettaError(
                f"the baseline has another {what}: {theirs}, not {ours[what]}; --baseline-anyway compares all the same"
            )


def changes(report: Values, baseline: Values) -> list[Change]:
    """Every row that both reports have timed and that agreed in both; raise RosettaError when there is none."""
    now, before = _timed(report), _timed(baseline)
    found = [_change(name, rounds, before[name]) for name, rounds in now.items() if name in before]
    if not found:
        raise RosettaError(f"no row of the baseline was measured; it has {', '.join(before) or 'none'}")
    return found


def missing(report: Values, baseline: Values) -> list[str]:
    """Rows that the baseline has timed and that this run tried and could not time, or that disagree now."""
    tried, timed = {row["name"] for row in report["rows"]}, _timed(report)
    return [name for name in _timed(baseline) if name in tried and name not in timed]


def _timed(report: Values) -> dict[str, NDArray[np.float64]]:
    """The logarithms of the rounds' medians, by row, of the rows that agree."""
    return {
        row["name"]: np.log([np.median(one) for one in row["evaluation"]["rounds_s"] if one])
        for row in report["rows"]
        if row["ranked"]
    }


def _change(name: str, now: NDArray[np.float64], before: NDArray[np.float64]) -> Change:
    """The ratio of two medians of rounds that were not measured in turns, so they are resampled apart."""

    def difference(one: NDArray[np.float64], other: NDArray[np.float64], axis: int = -1) -> Any:
        return np.median(one, axis=axis) - np.median(other, axis=axis)

    low, high = -np.inf, np.inf
    if min(len(now), len(before)) >= FEWEST_ROUNDS:
        low, high = bootstrap_interval((now, before), difference)
    ratio, low, high = (float(np.exp(value)) for value in (difference(now, before), low, high))
    return Change(name, ratio, low, high)
