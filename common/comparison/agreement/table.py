"""Do the backends compute the same: the port doctor's examination of each, and how far any two are apart."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from common.distances import cosine_gap
from common.doctor import (
    RIGHT,
    Finding,
    Flips,
    Judge,
    Run,
    case_at,
    count_flips,
    deciding,
    diagnose,
    difference,
    finding_json,
    healthy,
    unit_of,
)
from common.images import Image
from common.problem import Precision, Problem
from common.tensors import Array, Arrays, tensor_names
from common.tolerances import bounds_for

ORACLE = "oracle"
GRADIENT = "gradient/pixels"
Measure = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Quantity:
    """One compared quantity: its difference by pair, such as `torch-oracle`, and the bound, if it is judged."""

    quantity: str
    differences: Mapping[str, float]
    bound: float | None

    @property
    def agrees(self) -> bool:
        """Whether every difference is within the bound; a nan is not."""
        return self.bound is None or all(value <= self.bound for value in self.differences.values())


@dataclass(frozen=True)
class Agreement:
    """The table for one precision and size; the flips say why float32 gradients may differ without a bug.

    `findings` are the port doctor's by backend, about every tensor; none where it was not asked.
    """

    precision: Precision
    size_px: tuple[int, int]
    rows: tuple[Quantity, ...]
    flips: Mapping[str, Flips]
    findings: Mapping[str, tuple[Finding, ...]]

    @property
    def agrees(self) -> bool:
        """Whether every row is within its bound, and the port doctor finds nothing but rounding."""
        return all(map(healthy, self.findings.values())) and all(row.agrees for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the verdict of each row."""
        return {
            "precision": self.precision,
            "size_px": list(self.size_px),
            "rows": [{**asdict(row), "agrees": row.agrees} for row in self.rows],
            "flips": {name: asdict(flips) for name, flips in self.flips.items()},
            "findings": {name: [finding_json(it) for it in found] for name, found in self.findings.items()},
            "agrees": self.agrees,
        }


def compare(problem: Problem, image: Image, backends: Mapping[str, Arrays], explained: bool = True) -> Agreement:
    """Judge the backends' tensors, by name, of a problem at an image.

    With `explained`, the port doctor looks at every tensor and says why one differs; the problem has to be small.
    """
    case, precision = case_at(problem, image), problem.precision
    reference = Run(case, RIGHT)
    judges = {name: judge_of(tensors, reference, precision) for name, tensors in backends.items()}
    flips = {name: flips_of(judge) for name, judge in judges.items()}
    asked = backends if explained else {}
    found = {name: diagnose(case, it, precision, reference=reference).findings for name, it in asked.items()}
    rows = (*_tensor_rows(backends, reference, precision), *_gradient_rows(backends, judges, flips, precision))
    height, width = problem.content.shape[:2]
    return Agreement(precision, (height, width), rows, flips, found)


def judge_of(tensors: Arrays, reference: Run, precision: Precision) -> Judge:
    """The port doctor's judge of an evaluation; its `own` run takes the evaluation's decisions."""
    given = {name: array for name, array in tensors.items() if name.startswith("features/")}
    own = Run(reference.case, RIGHT, {**given, **reference.targets})
    return Judge(reference.case, tensors, precision, own=own, reference=reference)


def flips_of(judge: Judge) -> Flips:
    """The decisions in which an evaluation differs from the reference."""
    return count_flips(deciding(judge.reference), judge.own.layer, judge.reference.layer)


def _tensor_rows(backends: Mapping[str, Arrays], reference: Run, precision: Precision) -> list[Quantity]:
    """The feature maps at the taps and the terms of the loss."""
    problem, bounds = reference.case.problem, bounds_for(precision)
    features = [f"features/{tap}" for tap in problem.recipe.taps]
    terms = [name for name in tensor_names(problem) if name.startswith("loss/")]
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
