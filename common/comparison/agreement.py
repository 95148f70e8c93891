"""Do backends and rows compute the same: the oracle's tensors, losses and gradient beside theirs, each with a bound."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pydantic import TypeAdapter

from common import doctor
from common.comparison.published import Number, Size, published
from common.distances import cosine_gap
from common.oracle import RIGHT, Flips, Run, count_flips
from common.problem import Precision
from common.tensors import Array, Arrays, TensorName, tensor_names
from common.tolerances import bounds_for

ORACLE = "oracle"
GRADIENT = "gradient/pixels"


@dataclass(frozen=True)
class Quantity:
    """One compared quantity: its difference by pair, such as `torch-oracle`, and the bound, if it is judged."""

    quantity: str
    differences: Mapping[str, Number]
    bound: float | None

    @published
    def agrees(self) -> bool:
        """Whether every difference is within the bound; a nan is not."""
        return self.bound is None or all(value <= self.bound for value in self.differences.values())


@dataclass(frozen=True)
class Claim:
    """What the port doctor knows of a difference, as data; a range of numbers is a list of its ends."""

    kind: str
    values: Mapping[str, float | int | str | list[Any] | None]


@dataclass(frozen=True)
class Explanation:
    """One cause of a difference, as the port doctor finds it; `trap` and its words are None where no trap fits."""

    trap: int | None
    tensor: str
    detail: str
    evidence: str
    clues: tuple[Claim, ...]
    also_possible: tuple[int, ...]
    also_in: tuple[str, ...]
    harmless: bool
    title: str | None
    fix: str | None
    seen_in: str | None

    @property
    def sentence(self) -> str:
        """All of it on one line."""
        more = f" {len(self.also_in)} more of this kind." if self.also_in else ""
        if self.trap is None:
            return f"{self.tensor}: no known trap explains the difference; {self.evidence}.{more}"
        if self.also_possible:
            more += f" Traps that would give the same numbers: {', '.join(map(str, self.also_possible))}."
        first = f"Trap {self.trap}, {self.title} ({self.detail}). First seen in {self.tensor}; {self.evidence}."
        return f"{first}{more} Fix: {self.fix}. Seen in: {self.seen_in}."


@dataclass(frozen=True)
class Agreement:
    """The table for one precision and size; the flips say why float32 gradients may differ without a bug.

    `findings` are the port doctor's by backend, about every tensor; none where it was not asked.
    """

    precision: Precision
    size_px: Size
    rows: tuple[Quantity, ...]
    flips: Mapping[str, Flips]
    findings: Mapping[str, tuple[Explanation, ...]]

    @published
    def agrees(self) -> bool:
        """Whether every row is within its bound, and the port doctor finds nothing but rounding."""
        return not self.explained and all(row.agrees for row in self.rows)

    @property
    def explained(self) -> dict[str, tuple[Explanation, ...]]:
        """The findings of the backends in which the port doctor found more than rounding."""
        return {name: found for name, found in self.findings.items() if not all(it.harmless for it in found)}


@dataclass(frozen=True)
class Check:
    """The largest relative difference of a loss term, and those of the gradient, each with its bound.

    `gradient_followed` is what is left of the gradient's difference from a gradient with the row's own decisions;
    None where these are not known. The flips are None where they cannot be seen.
    """

    size_px: Size
    loss: Number
    gradient: Number
    cosine_gap: Number
    gradient_followed: float | None
    loss_bound: float
    gradient_bound: float
    cosine_gap_bound: float
    gradient_followed_bound: float
    relu_flips: int | None
    pool_flips: int | None

    @published
    def agrees(self) -> bool:
        """Whether every judged difference is within its bound; a nan is not."""
        gradient = self.gradient <= self.gradient_bound and self.cosine_gap <= self.cosine_gap_bound
        followed = self.gradient_followed is None or self.gradient_followed <= self.gradient_followed_bound
        return gradient and followed and self.loss <= self.loss_bound


@dataclass(frozen=True)
class RowAgreement:
    """A row's two checks: a small evaluation by the oracle, and one at its size by its backend's float64."""

    oracle: Check
    float64: Check

    @published
    def agrees(self) -> bool:
        """Whether both agree."""
        return self.oracle.agrees and self.float64.agrees


_EXPLANATIONS = TypeAdapter(tuple[Explanation, ...])


def compare(reference: Run, backends: Mapping[str, Arrays], explained: bool = True) -> Agreement:
    """Judge the backends' tensors, by name, beside the reference's, in the precision of its problem.

    With `explained`, the port doctor looks at every tensor and says why one differs; the problem has to be small.
    """
    case, precision = reference.case, reference.case.problem.precision
    judges = {name: _judge(tensors, reference, precision) for name, tensors in backends.items()}
    flips = {name: count_flips(judge.own, judge.reference) for name, judge in judges.items()}
    findings = {}
    for name, tensors in backends.items() if explained else ():
        found = doctor.diagnose(case, tensors, precision, reference=reference).findings
        findings[name] = _EXPLANATIONS.validate_python(tuple(map(doctor.finding_json, found)))
    height, width = case.problem.content.shape[:2]
    return Agreement(precision, (height, width), tuple(_quantities(reference, judges, flips)), flips, findings)


def _quantities(reference: Run, judges: Mapping[str, doctor.Judge], flips: Mapping[str, Flips]) -> Iterator[Quantity]:
    """The feature maps at the taps, the terms of the loss, and the gradient."""
    problem = reference.case.problem
    bounds = bounds_for(problem.precision)

    def by_pair(name: str, measure: Callable[[Array, Array], float]) -> dict[str, float]:
        arrays = {**{backend: judge.given[name] for backend, judge in judges.items()}, ORACLE: reference.expected(name)}
        return {f"{a}-{b}": measure(arrays[a], arrays[b]) for a, b in combinations(arrays, 2)}

    def relative(name: str) -> dict[str, float]:
        unit = doctor.unit_of(name, reference)
        return by_pair(name, lambda ours, theirs: doctor.difference(ours, theirs, unit).relative)

    judged = [(f"features/{tap}", bounds.features) for tap in problem.recipe.taps]
    judged += [(name, bounds.losses) for name in tensor_names(problem) if TensorName.parse(name).stage == "loss"]
    yield from (Quantity(name.replace("/", " "), relative(name), bound) for name, bound in judged)
    flipped = any(flip.any for flip in flips.values())
    yield Quantity("gradient", relative(GRADIENT), None if flipped else bounds.gradient)
    yield Quantity("gradient, 1 - cosine", by_pair(GRADIENT, cosine_gap), bounds.gradient_cosine_gap)
    followed = {f"{name}-{ORACLE}": judge.from_own(GRADIENT).relative for name, judge in judges.items()}
    yield Quantity("gradient, same choices", followed, bounds.gradient_followed)


def check_by_own(ours: Arrays, theirs: Arrays, precision: Precision) -> Check:
    """Judge an evaluation by a better one of the same backend; what has flipped is not known."""
    bounds, gradient = bounds_for(precision), ours[GRADIENT]
    terms = [(ours[name], theirs[name]) for name in ours if TensorName.parse(name).stage == "loss"]
    units = [doctor.loss_unit(right, theirs["loss/total"]) for _, right in terms]
    return Check(
        size_px=(gradient.shape[0], gradient.shape[1]),
        loss=max(doctor.difference(*pair, unit).relative for pair, unit in zip(terms, units, strict=True)),
        gradient=doctor.difference(gradient, theirs[GRADIENT]).relative,
        cosine_gap=cosine_gap(gradient, theirs[GRADIENT]),
        gradient_followed=None,
        loss_bound=bounds.losses,
        gradient_bound=bounds.gradient if precision == "float64" else bounds.gradient_flipped,
        cosine_gap_bound=bounds.gradient_cosine_gap,
        gradient_followed_bound=bounds.gradient_followed,
        relu_flips=None,
        pool_flips=None,
    )


def check_by_oracle(ours: Arrays, reference: Run, precision: Precision) -> Check:
    """Judge an evaluation by the reference, and where decisions may have flipped, by a gradient that takes the same.

    What a fused network decides cannot be seen: then the near ties are turned that make up the difference.
    """
    right = {name: reference.expected(name) for name in ours if TensorName.parse(name).stage != "taps"}
    check, bounds = check_by_own(ours, right, precision), bounds_for(precision)
    judge = _judge(ours, reference, precision)
    if len(right) < len(ours):
        flips = count_flips(judge.own, judge.reference)
        return replace(
            check,
            gradient_bound=bounds.gradient_flipped if flips.any else bounds.gradient,
            gradient_followed=judge.from_own(GRADIENT).relative,
            relu_flips=flips.relu,
            pool_flips=flips.pool,
        )
    if check.gradient <= bounds.gradient or precision in ("bfloat16", "tf32"):  # whose arithmetic has too many ties
        return check
    ties = doctor.ties_turned(judge, GRADIENT)
    return replace(check, gradient_followed=check.gradient if ties is None else ties.left)


def _judge(tensors: Arrays, reference: Run, precision: Precision) -> doctor.Judge:
    """The port doctor's judge of an evaluation; its `own` run takes the evaluation's decisions."""
    given = {name: array for name, array in tensors.items() if TensorName.parse(name).stage == "taps"}
    own = Run(reference.case, RIGHT, {**given, **reference.targets})
    return doctor.Judge(tensors, precision, own, reference, reference)
