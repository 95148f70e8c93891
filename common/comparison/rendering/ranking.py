"""Which rows stand together: ranked only with rows of the same precision and size."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.backend import BACKENDS
from common.comparison.measurement import QUIET
from common.comparison.rendering.formatting import listing, pixels, plural

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Ratio:
    """A row's time over the fastest row's, with its interval."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Group:
    """Rows of one precision and size, in the order of a ranking: the fastest first, disagreeing rows last."""

    precision: str
    size_px: tuple[int, ...]
    rows: Sequence[Row]
    verdicts: Sequence[Mapping[str, Any]]
    ratios: Mapping[str, Ratio]
    common_loss: float | None

    @property
    def title(self) -> str:
        """What is equal in all rows."""
        return f"{self.precision}, {pixels(self.size_px)}"

    @property
    def comparable(self) -> bool:
        """Whether this is the precision that the comparison is about."""
        return self.precision == "float32"

    @property
    def timed(self) -> list[Row]:
        """The rows whose evaluations were timed."""
        return [row for row in self.rows if row["evaluation"] is not None]

    @property
    def converged(self) -> list[Row]:
        """The rows that ran an optimiser."""
        return [row for row in self.rows if row["convergence"] is not None]

    @property
    def scale_s(self) -> float:
        """The fastest row's median: all times of the group are written in its unit."""
        rows = self.timed  # a ranked row first, where there is one
        return float(rows[0]["evaluation"]["median_s"]) if rows else 0.0

    @property
    def noisy(self) -> bool:
        """Whether any row was timed while its rounds scattered."""
        return any(row["evaluation"]["noisy"] for row in self.timed)

    @property
    def on_gpu(self) -> bool:
        """Whether any row's memory on a GPU is known."""
        return any(row["memory"] and row["memory"]["gpu_allocated_bytes"] is not None for row in self.rows)

    @property
    def fastest(self) -> Row | None:
        """The ranked row with the smallest median; one alone is not the fastest of anything."""
        ranked = [row for row in self.timed if row["ranked"]]
        return ranked[0] if len(ranked) > 1 else None


def groups_of(report: Mapping[str, Any]) -> list[Group]:
    """All groups, float32 before the precisions that are not ranked with it, otherwise as the report has them."""
    keys = dict.fromkeys((row["precision"], tuple(row["size_px"])) for row in report["rows"])
    return [_group(report, *key) for key in sorted(keys, key=lambda key: key[0] != "float32")]


def _group(report: Mapping[str, Any], precision: str, size_px: tuple[int, ...]) -> Group:
    def belongs(entry: Mapping[str, Any]) -> bool:
        return entry["precision"] == precision and tuple(entry["size_px"]) == size_px

    rows = sorted(filter(belongs, report["rows"]), key=_place)
    fastest = next((row for row in rows if row["ranked"] and row["evaluation"]), None)
    members = {row["name"] for row in rows}
    verdicts = [it for it in report["ratios"] if it["row"] in members]
    ratios = _ratios_to(fastest["name"], verdicts) if fastest else {}
    losses = [entry["loss"] for entry in report["common_losses"] if belongs(entry)]
    return Group(precision, size_px, rows, verdicts, ratios, losses[0] if losses else None)


def headline(report: Mapping[str, Any]) -> str:
    """What was compared: the backends by their labels."""
    backends = dict.fromkeys(row["backend"] for row in report["rows"])
    labels = [BACKENDS[name].label if name in BACKENDS else name for name in backends]
    return f"VGG-19 style transfer: {listing(labels)}" if labels else "VGG-19 style transfer"


def environments(rows: Sequence[Row]) -> list[tuple[list[Row], Mapping[str, Any]]]:
    """The different environments, each with the rows that ran in it."""
    found: dict[str, tuple[list[Row], Mapping[str, Any]]] = {}
    for row in rows:
        if row["environment"] is not None:
            key = json.dumps(row["environment"], sort_keys=True)
            found.setdefault(key, ([], row["environment"]))[0].append(row)
    return list(found.values())


def _place(row: Row) -> tuple[bool, bool, bool, float]:
    evaluation = row["evaluation"]
    return disagrees(row), not row["ranked"], evaluation is None, evaluation["median_s"] if evaluation else 0.0


def _ratios_to(fastest: str, ratios: Sequence[Mapping[str, Any]]) -> dict[str, Ratio]:
    """Ratios to the fastest row, by row; one that the report has the other way round is turned over."""
    turned = {it["to"]: Ratio(1 / it["ratio"], 1 / it["high"], 1 / it["low"]) for it in ratios if it["row"] == fastest}
    return turned | {it["row"]: Ratio(it["ratio"], it["low"], it["high"]) for it in ratios if it["to"] == fastest}


def disagrees(row: Row) -> bool:
    """Whether the row was checked and does not compute the same."""
    return row["agreement"] is not None and row["agreement"]["agrees"] is False


def state(row: Row) -> str:
    """Why a row is not like the others, in words; nothing for a measured row that agrees."""
    if disagrees(row):
        return "disagrees: not ranked"
    if row["status"] != "measured":
        return f"{row['status']}: {row['why']}" if row["why"] else str(row["status"])
    return (row["why"] or "") if row["ranked"] else "not ranked"


def disturbed(report: Mapping[str, Any]) -> str:
    """A sentence when other processes took so much of the machine that the timings are not to be quoted."""
    if report["others_fraction"] <= QUIET:
        return ""
    taken = f"{report['others_fraction']:.0%}"
    return f"Other processes took {taken} of the machine while the rows were timed: do not quote these timings."


def shown_names(rows: Sequence[Row]) -> dict[str, str]:
    """What to call each row by its name: the label, with the name where rows of one table share the label."""
    keys = {row["name"]: (row["label"], row["precision"], tuple(row["size_px"])) for row in rows}
    count = Counter(keys.values())
    return {name: key[0] if count[key] == 1 else f"{key[0]} ({name})" for name, key in keys.items()}


def verdict_on_agreement(report: Mapping[str, Any]) -> str:
    """One sentence: whether all rows that were checked compute the same, and who does not."""
    checked = [row for row in report["rows"] if row["agreement"] is not None]
    if not report["agrees"]:
        names = shown_names(report["rows"])
        guilty = [
            f"{names[row['name']]} ({row['precision']}, {pixels(row['size_px'])})" for row in checked if disagrees(row)
        ]
        return f"Something DISAGREES: {'; '.join([*guilty, *_bad_tables(report)]) or 'see below'}."
    if not checked:
        return "No row has been checked against the oracle."
    others = len(report["rows"]) - len(checked)
    but = f"; {plural(others, 'row')} not checked" if others else ""
    return f"All {'checked ' if others else ''}rows agree with the float64 oracle within their bounds{but}."


def _bad_tables(report: Mapping[str, Any]) -> list[str]:
    return [
        f"the algorithm in {it['precision']}, {pixels(it['size_px'])}" for it in report["algorithm"] if not it["agrees"]
    ]
