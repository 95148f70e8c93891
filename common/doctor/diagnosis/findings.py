"""What the port doctor finds: clues as data and in words, one cause each, and the diagnosis with every verdict."""

import math
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from common.doctor.diagnosis.judge import Judged
from common.doctor.hypotheses import Trap
from common.oracle import Variant
from common.tensors import TensorName

NOTHING_FITS = "no known trap explains it"
_ALWAYS_KNOWN = ("best factor", "coarse part", "signs", "spread")  # of any difference, so they tell no mistakes apart
_OF_WHATEVER = ("not finite", "stored in")  # one mistake, whatever tensors have them
_MOST_LISTED = 3

_SENTENCES = {
    "shape": "its shape is {got} and should be {expected}",
    "not finite": "{count} of its {size} values are not finite",
    "stored in": "its values are what they should be, stored in {format}",
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
    "same as": "it is the same as {tensor} that is handed over",
    "other training": "{tensor} is a convolution of the input to {left:.1e}, and its kernels correlate with the "
    "reference's by {correlation:.2f} in the median",
    "known factor": "it is {expression} = {factor:.6g} times what it should be, to {left:.1e}",
    "Gram form": "it is {factor:times}F^T F / M, but {form}, to {left:.1e}",
    "Gram of another layer": "it is {factor:times}the Gram matrix of {layer}, not of {tap}, to {left:.1e}",
    "another layer": "{layer} is {what}",
    "term form": "it is {factor:times}{form} of what the term compares",
    "term of another layer": "it is the term of {layer}, not of {tap}",
    "sum of other terms": "it is the sum of the terms {changes:and}",
    "sum with a factor": "it is the sum of the terms with {factor} times the {terms} terms",
    "gradient's parts": "it is the sum of the terms' gradients {changes:and}, to {left:.1e}",
    "gradient divided": "it is divided by {norm}",
    "gradient's signs": "it is the signs of what it should be",
    "Adam's betas": "the {steps} steps are Adam's with beta1 = {beta1:g} and beta2 = {beta2:g}, to {left:.1e}",
    "Adam": "the {steps} steps are Adam's {how}, to {left:.1e}",
    "optimizer": "the {steps} steps are those of {name}, to {left:.1e}",
    "weight decay": "the {steps} steps are Adam's with a weight decay of {decay:.3g} times the rate, to {left:.1e}",
    "rates": "the steps are Adam's times {factors:.4g}, one after the other, to {left:.1e}",
    "L-BFGS memory": "the points are those of SciPy's L-BFGS with a memory of {memory} (here {right})",
    "L-BFGS bounds": "the points are those of SciPy's L-BFGS-B with bounds: {range}",
    "L-BFGS line search": "the points are those of SciPy's L-BFGS with at most {most} evaluations a line search",
    "PyTorch's L-BFGS": "the points are those of torch.optim.LBFGS without a line search, lr={rate:g}, "
    "a history of {memory}",
    "plain descent": "the points are those of plain gradient descent with a rate of 1",
    "all zero": "it is zero everywhere",
    "picture": "it is {picture} {what}{space}",
    "resized": "it was resized by {how:or}{framing}, to {left:.1e}",
    "resized about": "no filter gives it exactly; the nearest is {how}, {steps:.2g} of 255 steps away on average",
    "power": "it is {of} of what it should be",
    "clipped": "it is what it should be, clipped to {low:.6g} to {high:.6g}, which changes {part:.0%} of the values",
    "quantised": "it is what it should be, {how} to {to}",
    "exchanged": "it is what it should be with its height and width exchanged",
    "moved": "it is what it should be, moved by {shift:+d} {axis}, {edge}",
    "channels": "it is what it should be with its channels in the order {order}",
    "not examined": "it differs too, and there was no time to see why, nor for what follows",
    "explained": "with it, the difference of {tensor} falls from {was:.1e} to {left:.1e}",
    "explained together": "together with trap {trap}: with it, the difference of {tensor} falls "
    "from {was:.1e} to {left:.1e}",
    "decisions followed": "{decisions:list}; {tensor} is {was:.1e} from the reference's, and {left:.1e} from it "
    "with the port's own decisions",
    "decisions turned": "{decisions:list}; with them turned, the difference of {tensor} falls "
    "from {was:.1e} to {left:.1e}",
}
_LANCZOS = (
    "use antialiased Lanczos of the whole picture, in floats and clipped to 0..1, or the reference's resized pixels"
)
KINDS = tuple(_SENTENCES)
# What a porter does about a claim that says the whole mistake; the others are evidence.
FIXES = {
    "not finite": "find the first operation that overflows, divides by 0, or takes the root or logarithm of less",
    "stored in": "compute and hand over float32",
    "another tensor": "compute or record it where it belongs, and {tensor} under its own name",
    "the other picture": "do not exchange the content and the style picture",
    "same as": "record it anew: a copy, at its own step",
    "known factor": "look where {expression} is multiplied or divided by, once too often or not at all",
    "Gram form": "compute F^T F / M of the feature map as it is, with one row for each position",
    "Gram of another layer": "take {tap}, by its name and not by a running number",
    "another layer": "make {layer} {right}",
    "term form": "sum the squared differences, with the convention's factor (docs/tensors.md)",
    "term of another layer": "take {tap}, by its name and not by a running number",
    "sum of other terms": "add every term once",
    "sum with a factor": "apply the weight of the {terms} terms once",
    "gradient's parts": "differentiate the sum of all terms, each once; look for a detached or repeated term",
    "gradient divided": "leave the gradient as it is",
    "gradient's signs": "leave the gradient as it is",
    "Adam's betas": "use the recipe's betas",
    "Adam": "use Adam as Kingma and Ba wrote it (2014, algorithm 1), with the gradient of this step alone",
    "optimizer": "use the recipe's Adam",
    "weight decay": "set the weight decay to 0",
    "rates": "use the recipe's learning rate, and its decay from the step where the recipe has it",
    "L-BFGS memory": "set m={right} (maxcor in scipy.optimize.minimize)",
    "L-BFGS bounds": "give no bounds",
    "L-BFGS line search": "leave maxls at 20",
    "PyTorch's L-BFGS": "call SciPy's, or do not compare the steps: both are L-BFGS, with other steps",
    "plain descent": "call SciPy's L-BFGS",
    "all zero": "look for a buffer that is never filled, or a gradient that is detached",
    "picture": "use the picture that the name says, and the recipe's pixel space for it (docs/tensors.md)",
    "resized": _LANCZOS,
    "resized about": _LANCZOS,
    "power": "leave the values as they are",
    "clipped": "do not clip here",
    "quantised": "keep floats",
    "exchanged": "hand it over as (height, width, channels): a column-major array is transposed",
    "moved": "look for an index, a padding or a crop that is off by one",
    "channels": "keep red, green and blue in their order",
}


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
        return _Formatter().vformat(_SENTENCES[self.kind], (), self.values)

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
