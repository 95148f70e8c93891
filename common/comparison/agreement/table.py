"""Do the backends compute the same: the port doctor's examination of each, and how far any two are apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from common.comparison.published import Number, Size, published
from common.distances import cosine_gap
from common.doctor import Finding, Judge, diagnose, difference, finding_json, unit_of
from common.images import Image
from common.oracle import RIGHT, Flips, Run, case_at, count_flips
from common.problem import Precision, Problem
from common.tensors import Array, Arrays, TensorName, tensor_names
from common.tolerances import bounds_for

ORACLE = "oracle"
GRADIENT = "gradient/pixels"
Measure = Callable[[Array, Array], float]


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

    @classmethod
    def of(cls, finding: Finding) -> "Explanation":
        """What a finding says, as plain values."""
        values = finding_json(finding)
        values["clues"] = [Claim(**clue) for clue in values["clues"]]
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain)

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


def compare(problem: Problem, image: Image, backends: Mapping[str, Arrays], explained: bool = True) -> Agreement:
    """Judge the backends' tensors, by name, of a problem at an image.

    With `explained`, the port doctor looks at every tensor and says why one differs; the problem has to be small.
    """
    case, precision = case_at(problem, image), problem.precision
    reference = Run(case, RIGHT)
    judges = {name: judge_of(tensors, reference, precision) for name, tensors in backends.items()}
    flips = {name: flips_of(judge) for name, judge in judges.items()}
    asked = backends if explained else {}
    findings = {name: diagnose(case, given, precision, reference=reference).findings for name, given in asked.items()}
    explanations = {name: tuple(map(Explanation.of, found)) for name, found in findings.items()}
    rows = (*_tensor_rows(backends, reference, precision), *_gradient_rows(backends, judges, flips, precision))
    height, width = problem.content.shape[:2]
    return Agreement(precision, (height, width), rows, flips, explanations)


def judge_of(tensors: Arrays, reference: Run, precision: Precision) -> Judge:
    """The port doctor's judge of an evaluation; its `own` run takes the evaluation's decisions."""
    given = {name: array for name, array in tensors.items() if TensorName.parse(name).stage == "taps"}
    own = Run(reference.case, RIGHT, {**given, **reference.targets})
    return Judge(tensors, precision, own, reference)


def flips_of(judge: Judge) -> Flips:
    """The decisions in which an evaluation differs from the reference."""
    return count_flips(judge.own, judge.reference)


def _tensor_rows(backends: Mapping[str, Arrays], reference: Run, precision: Precision) -> list[Quantity]:
    """The feature maps at the taps and the terms of the loss."""
    problem, bounds = reference.case.problem, bounds_for(precision)
    features = [f"features/{tap}" for tap in problem.recipe.taps]
    terms = [name for name in tensor_names(problem) if TensorName.parse(name).stage == "loss"]
    return [
        Quantity(name.replace("/", " "), _relative(name, backends, reference), bound)
        for names, bound in ((features, bounds.features), (terms, bounds.losses))
        for name in names
    ]


def _gradient_rows(
    backends: Mapping[str, Arrays], judges: Mapping[str, Judge], flips: Mapping[str, Flips], precision: Precision
) -> list[Quantity]:
    bounds, reference = bounds_for(precision), next(iter(judges.values())).reference
    flipped = any(flip.any for flip in flips.values())
    same_choices = {f"{name}-{ORACLE}": judge.from_own(GRADIENT).relative for name, judge in judges.items()}
    gaps = _by_pair(_everyone(GRADIENT, backends, reference), cosine_gap)
    return [
        Quantity("gradient", _relative(GRADIENT, backends, reference), None if flipped else bounds.gradient),
        Quantity("gradient, 1 - cosine", gaps, bounds.gradient_cosine_gap),
        Quantity("gradient, same choices", same_choices, bounds.gradient_followed),
    ]


def _relative(name: str, backends: Mapping[str, Arrays], reference: Run) -> dict[str, float]:
    unit = unit_of(name, reference)
    everyone = _everyone(name, backends, reference)
    return _by_pair(everyone, lambda one, other: difference(one, other, unit).relative)


def _everyone(name: str, backends: Mapping[str, Arrays], reference: Run) -> dict[str, Array]:
    return {**{backend: tensors[name] for backend, tensors in backends.items()}, ORACLE: reference.expected(name)}


def _by_pair(everyone: Mapping[str, Array], measure: Measure) -> dict[str, float]:
    return {f"{one}-{other}": measure(everyone[one], everyone[other]) for one, other in combinations(everyone, 2)}
