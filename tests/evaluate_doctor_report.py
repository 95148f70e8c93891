"""The confusion table of the port doctor as Markdown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.doctor.hypotheses import TRAPS


@dataclass(frozen=True)
class Outcome:
    """What was planted, and what the doctor found: `ranking` is of the first finding, `named` has all findings'."""

    planted: tuple[int, ...]
    names: str
    where: str
    backend: str
    precision: str
    ranking: tuple[int, ...] = ()
    named: tuple[tuple[int, ...], ...] = ()
    tensor: str = ""
    words: str = ""
    failed: bool = False
    without_effect: bool = False
    port_s: float = 0.0
    doctor_s: float = 0.0

    @property
    def first(self) -> bool:
        """Whether the trap that was named first was planted."""
        return bool(self.ranking) and self.ranking[0] in self.planted

    @property
    def among_three(self) -> bool:
        """Whether the first three that were named hold one that was planted."""
        return bool(set(self.ranking[:3]) & set(self.planted))

    @property
    def all_named(self) -> bool:
        """Whether every trap that was planted is a finding's first or is said to be possible."""
        return set(self.planted) <= {number for ranking in self.named for number in ranking}

    @property
    def silent(self) -> bool:
        """Whether nothing was found."""
        return not self.failed and not self.named

    @property
    def said(self) -> str:
        """What was named first, in a word."""
        if self.failed:
            return "error"
        if self.silent:
            return "healthy"
        return str(self.ranking[0]) if self.ranking else "nothing fits"


def report(outcomes: Sequence[Outcome], seed: int) -> str:
    """All tables, and every trial that was not named first."""
    effective = [it for it in outcomes if not it.without_effect]
    singles, pairs, healthy = ([it for it in effective if len(it.planted) == count] for count in (1, 2, 0))
    parts = ["# What the port doctor names\n", _how(outcomes, seed)]
    if singles:
        parts += [
            "## One trap\n",
            _singles(singles),
            _without_effect([it for it in outcomes if it.without_effect]),
            _missed("Not named first:", [it for it in singles if not it.first]),
        ]
    if pairs:
        parts += ["## Two traps\n", _pairs(pairs), _missed("Not both named:", [it for it in pairs if not it.all_named])]
    if healthy:
        ill = [it for it in healthy if not it.silent]
        parts += ["## No trap\n", _healthy(healthy), _missed("False alarms:", ill)]
    return "\n".join(parts)


def _how(outcomes: Sequence[Outcome], seed: int) -> str:
    done = [it for it in outcomes if not it.failed]
    seconds = {name: [getattr(it, name) for it in done] or [0.0] for name in ("port_s", "doctor_s")}
    port, doctor = (f"{np.median(it):.1f} s (at most {max(it):.0f} s)" for it in seconds.values())
    return (
        "Made by `python tests/evaluate_doctor.py`: traps are planted into both implementations, and "
        "the doctor sees nothing but the tensors. Trap 31 is no bug and is left out of what it names. "
        f"{len(outcomes)} ports, seed {seed}; the port takes {port} in the median, the doctor {doctor}.\n"
    )


def _singles(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for trap in sorted({it.planted for it in outcomes}):
        of_trap = [it for it in outcomes if it.planted == trap]
        others = Counter(it.said for it in of_trap if not it.first)
        said = ", ".join(f"{name} ({count})" for name, count in others.most_common())
        counts = [sum(it.first for it in of_trap), sum(it.among_three for it in of_trap)]
        rows.append([trap[0], TRAPS[trap[0]].title, len(of_trap), *counts, said])
    totals = [len(outcomes), sum(it.first for it in outcomes), sum(it.among_three for it in outcomes)]
    header = ["trap", "", "planted", "named first", "among the first three", "else named first"]
    return _table(header, [*rows, ["", "all", *totals, ""]])


def _without_effect(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    names = Counter(f"{it.names} ({it.where})" for it in outcomes)
    return (
        f"Not counted: {len(outcomes)} ports whose numbers are those of the same port without the trap, "
        "but for rounding: "
        f"{', '.join(sorted(names))}.\n"
    )


def _pairs(outcomes: Sequence[Outcome]) -> str:
    counts = [len(outcomes), sum(it.first for it in outcomes), sum(it.all_named for it in outcomes)]
    return _table(["pairs", "one of them named first", "both named"], [counts])


def _healthy(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for backend, precision in sorted({(it.backend, it.precision) for it in outcomes}):
        of_kind = [it for it in outcomes if (it.backend, it.precision) == (backend, precision)]
        rows.append([backend, precision, len(of_kind), sum(not it.silent for it in of_kind)])
    return _table(["backend", "precision", "runs", "false alarms"], rows)


def _missed(title: str, outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    rows = [
        [", ".join(map(str, it.planted)), it.names, it.where, it.backend, it.said, it.tensor, it.words]
        for it in outcomes
    ]
    return f"{title}\n\n" + _table(
        ["trap", "planted", "setting", "backend", "named first", "first tensor", "all"], rows
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(it) for it in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
