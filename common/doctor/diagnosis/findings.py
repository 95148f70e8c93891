"""What the port doctor finds: clues as data and in words, one cause each, and the diagnosis with every verdict."""

import math
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from common.doctor.diagnosis.judge import Judged
from common.doctor.diagnosis.sentences import FIXES, SENTENCES
from common.doctor.hypotheses import Trap
from common.oracle import Variant
from common.tensors import TensorName

NOTHING_FITS = "no known trap explains it"
_ALWAYS_KNOWN = ("best factor", "coarse part", "signs", "spread")  # of any difference, so they tell no mistakes apart
_OF_WHATEVER = (
    "not finite",
    "stored in",
    "all of a format",
    "gradients added up",
)  # one mistake, whatever tensors have them
_MOST_LISTED = 3


class Range(NamedTuple):
    """From the least to the largest value of the same clue about several tensors."""

    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Both ends, or one number where they read the same."""
        return " to ".join(dict.fromkeys(format(end, spec) for end in (self.low, self.high)))


Value = float | str | Range | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]
Claim = tuple[str, tuple[Value, ...]]


class _Formatter(string.Formatter):
    def format_field(self, value: Any, spec: str) -> str:
        if spec in ("and", "or"):
            return f" {spec} ".join(value)
        if spec == "times":
            return "" if value == "1" else f"{value} times "
        if spec == "list":
            more = len(value) - _MOST_LISTED
            return ", ".join(value[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
        if spec and isinstance(value, tuple) and not isinstance(value, Range):
            return ", ".join(format(item, spec) for item in value)
        return str(super().format_field(value, spec))


@dataclass(frozen=True, eq=False)
class Clue:
    """One claim about a tensor: its kind, and the values from which its sentence is made."""

    kind: str
    values: Mapping[str, Value]

    @property
    def sentence(self) -> str:
        """The claim in words."""
        return _Formatter().vformat(SENTENCES[self.kind], (), self.values)

    @property
    def claim(self) -> Claim:
        """What clues about one mistake have in common: all but the numbers."""
        return self.kind, tuple(value for value in self.values.values() if not _numbers(value))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: a range is a list of its ends, and what is not finite is null."""
        return {"kind": self.kind, "values": {name: _plain(value) for name, value in self.values.items()}}


def claims(clues: Iterable[Clue]) -> tuple[Claim, ...]:
    """What tells one mistake from another; the statistics of any difference do not."""
    return tuple(clue.claim for clue in clues if clue.kind not in _ALWAYS_KNOWN)


def shared(members: Sequence[Sequence[Clue]]) -> tuple[Clue, ...]:
    """The clues that several tensors have, true of all of them: a number that differs becomes a range."""
    by_claim = [{clue.claim: clue for clue in clues} for clues in members]
    return tuple(
        Clue(clue.kind, {name: _range([clues[claim].values[name] for clues in by_claim]) for name in clue.values})
        for claim, clue in by_claim[0].items()
        if all(claim in clues for clues in by_claim)
    )


def _range(values: Sequence[Value]) -> Value:
    if all(value == values[0] for value in values):
        return values[0]
    ends = [end for value in values for end in _numbers(value)]
    return Range(min(ends), max(ends))


def _numbers(value: Value) -> tuple[float, ...]:
    """The numbers that may be a range; a shape is no number."""
    if isinstance(value, int | float):
        return (value,)
    return tuple(item for item in value if isinstance(item, float)) if isinstance(value, tuple) else ()


def _plain(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, eq=False)
class Finding:
    """One cause: the trap (none where nothing fits), the first tensor that shows it, what it is there, and the clues.

    `also_possible` are traps that give the same numbers, and `also_in` are other tensors of which all clues are true.
    """

    trap: Trap | None
    tensor: str
    detail: str
    clues: tuple[Clue, ...]
    also_possible: tuple[int, ...] = ()
    also_in: tuple[str, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether the cause is rounding and no bug."""
        return self.trap is not None and self.trap.harmless

    @property
    def recognised(self) -> Clue | None:
        """The claim that says the whole mistake, where no trap does."""
        return next((clue for clue in self.clues if clue.kind in FIXES), None) if self.trap is None else None

    @property
    def fix(self) -> str | None:
        """What to do about it; None where nothing fits."""
        if self.recognised is not None:
            return FIXES[self.recognised.kind].format_map(self.recognised.values)
        return None if self.trap is None else self.trap.fix

    @property
    def evidence(self) -> str:
        """The clues in words."""
        return "; ".join(clue.sentence for clue in self.clues)

    @property
    def main_evidence(self) -> str:
        """The same without the statistics of any difference, where there is more to say; else with the first."""
        telling = [clue for clue in self.clues if clue.kind not in _ALWAYS_KNOWN]
        return "; ".join(clue.sentence for clue in telling or self.clues[:1])

    @property
    def kind(self) -> tuple[Any, ...]:
        """What findings have in common that are reported as one."""
        if self.trap is not None:
            return self.trap.number, None if self.harmless else self.tensor
        if self.recognised is not None and self.recognised.kind in _OF_WHATEVER:
            return None, self.recognised.kind
        name = TensorName.parse(self.tensor)
        layers = name.tap.rstrip("_0123456789") if name.kind == "features" else "any"
        return None, name.kind, name.step, layers, claims(self.clues)


def grouped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of one kind as one, which names the others: one mistake in every ReLU is not thirteen."""
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.kind, []).append(finding)
    together = []
    for first, *rest in groups.values():
        # What is said of a trap names its tensor.
        clues = first.clues if first.trap is not None else shared([first.clues, *(other.clues for other in rest)])
        together.append(replace(first, clues=clues, also_in=tuple(other.tensor for other in rest)))
    return tuple(together)


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Every tensor beside the reference, and why some differ; `variant` has all the traps that were found."""

    rows: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    variant: Variant

    @property
    def healthy(self) -> bool:
        """Whether nothing was found but rounding."""
        return all(finding.harmless for finding in self.findings)

    @property
    def first(self) -> Judged | None:
        """The first tensor that is wrong and does not inherit it."""
        return next((row for row in self.rows if row.verdict == "differs"), None)
