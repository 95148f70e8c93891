"""Clues: every claim about a difference as data, and the one place where a sentence is made of it."""

import math
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal[
    "shape",
    "not finite",
    "number format",
    "factor",
    "best factor",
    "offset",
    "affine by channel",
    "border",
    "orientation",
    "coarse part",
    "where zero",
    "signs",
    "spread",
    "another tensor",
    "the other picture",
    "sum without",
    "other training",
    "not examined",
    "explained",
    "explained together",
    "decisions followed",
    "decisions turned",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ALWAYS_KNOWN = ("best factor", "coarse part", "signs", "spread")  # of any difference, so they tell no mistakes apart
_MOST_LISTED = 3

_SENTENCES: Mapping[Kind, str] = {
    "shape": "its shape is {got} and should be {expected}",
    "not finite": "{count} of its {size} values are not finite",
    "number format": "{format} can represent all its values",
    "factor": "it is {factor:.6g} times what it should be, to {left:.1e}",
    "best factor": "the best factor is {factor:.4g}, which leaves {left:.1e}",
    "offset": "it is what it should be plus {offset:.6g}, to {left:.1e}",
    "affine by channel": "each channel is an affine function of what it should be, to {left:.1e} "
    "(the first factors are {factors:.4g})",
    "border": "{part:.0%} of the squared difference lies within {positions} positions of the border",
    "orientation": "it is what it should be when it is {turned:or}",
    "coarse part": "{part:.0%} of the squared difference is coarser than {positions} positions "
    "(of white noise it would be {of_noise:.0%})",
    "where zero": "{part:.0%} of the squared difference lies where it should be 0",
    "signs": "{part:.1%} of the signs differ",
    "spread": "the hundredth part that is furthest off holds {part:.0%} of the squared difference",
    "another tensor": "it is what {tensor} should be",
    "the other picture": "it is that of the other picture",
    "sum without": "it is the sum without {terms:and}",
    "other training": "{tensor} is a convolution of the input to {left:.1e}, and its kernels correlate with the "
    "reference's by {correlation:.2f} in the median",
    "not examined": "it differs too, and there was no time to see why, nor for what follows",
    "explained": "with it, the difference of {tensor} falls from {was:.1e} to {left:.1e}",
    "explained together": "together with trap {trap}: with it, the difference of {tensor} falls "
    "from {was:.1e} to {left:.1e}",
    "decisions followed": "{decisions:list}; {tensor} is {was:.1e} from the reference's, and {left:.1e} from it "
    "with the port's own decisions",
    "decisions turned": "{decisions:list}; with them turned, the difference of {tensor} falls "
    "from {was:.1e} to {left:.1e}",
}


@dataclass(frozen=True)
class Range:
    """From the least to the largest value of the same clue about several tensors."""

    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Both ends, or one number where they read the same."""
        return " to ".join(dict.fromkeys(format(end, spec) for end in (self.low, self.high)))


Value = float | str | Range | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]


class _Formatter(string.Formatter):
    def format_field(self, value: Any, spec: str) -> str:
        if spec in ("and", "or"):
            return f" {spec} ".join(value)
        if spec == "list":
            more = len(value) - _MOST_LISTED
            return ", ".join(value[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
        if spec and isinstance(value, tuple):
            return ", ".join(format(item, spec) for item in value)
        return str(super().format_field(value, spec))


@dataclass(frozen=True, eq=False)
class Clue:
    """One claim about a tensor: its kind, and the values from which its sentence is made."""

    kind: Kind
    values: Mapping[str, Value]

    @property
    def sentence(self) -> str:
        """The claim in words."""
        return _Formatter().vformat(_SENTENCES[self.kind], (), self.values)

    @property
    def claim(self) -> tuple[Kind, tuple[Value, ...]]:
        """What clues about one mistake have in common: all but the numbers."""
        return self.kind, tuple(value for value in self.values.values() if not _numbers(value))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: a range is a list of its ends, and what is not finite is null."""
        return {"kind": self.kind, "values": {name: _plain(value) for name, value in self.values.items()}}


def claims(clues: Iterable[Clue]) -> tuple[tuple[Kind, tuple[Value, ...]], ...]:
    """What tells one mistake from another; the statistics of any difference do not."""
    return tuple(clue.claim for clue in clues if clue.kind not in _ALWAYS_KNOWN)


def shared(members: Sequence[Sequence[Clue]]) -> tuple[Clue, ...]:
    """The clues that several tensors have, true of all of them: a number that differs becomes a range."""
    by_claim = [{clue.claim: clue for clue in clues} for clues in members]
    first, *rest = by_claim
    return tuple(_joined([clues[claim] for clues in by_claim]) for claim in first if all(claim in it for it in rest))


def _joined(clues: Sequence[Clue]) -> Clue:
    values = {name: _range([clue.values[name] for clue in clues]) for name in clues[0].values}
    return Clue(clues[0].kind, values)


def _range(values: Sequence[Value]) -> Value:
    if all(value == values[0] for value in values):
        return values[0]
    ends = [end for value in values for end in _numbers(value)]
    return Range(min(ends), max(ends))


def _numbers(value: Value) -> tuple[float, ...]:
    """The numbers that may be a range; a shape is no number."""
    if isinstance(value, int | float):
        return (value,)
    if isinstance(value, Range):
        return value.low, value.high
    return tuple(item for item in value if isinstance(item, float)) if isinstance(value, tuple) else ()


def _plain(value: Value) -> Any:
    if isinstance(value, Range | tuple):
        return [_plain(item) for item in ((value.low, value.high) if isinstance(value, Range) else value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value
