"""Do the backends compute the same: features, loss terms and gradient, against the oracle and each other."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.bounds import NEGLIGIBLE_TERM, bounds_for
from common.comparison.flips import Flips, count_flips
from common.comparison.jobs import Arrays
from common.images import Image
from common.oracle import Oracle
from common.problem import Precision, Problem
from common.results import LossTerms

Array = NDArray[np.floating]
ORACLE = "oracle"
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one implementation computes at one image; `trace` holds every ReLU and every tap."""

    terms: LossTerms
    gradient: Array
    trace: Mapping[str, Array]

    @classmethod
    def of(cls, losses: Mapping[str, Any], arrays: Arrays) -> "Evaluation":
        """From what a worker sent back."""
        trace = {name: array for name, array in arrays.items() if name != "gradient"}
        return cls(LossTerms(**losses), arrays["gradient"], trace)


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
    """The table for one precision and size; the flips say why float32 gradients may differ without a bug."""

    precision: Precision
    size_px: tuple[int, int]
    rows: tuple[Quantity, ...]
    flips: Mapping[str, Flips]

    @property
    def agrees(self) -> bool:
        """Whether every row is within its bound."""
        return all(row.agrees for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the verdict of each row."""
        rows = [{**asdict(row), "agrees": row.agrees} for row in self.rows]
        return {**asdict(self), "rows": rows, "agrees": self.agrees}


def compare(problem: Problem, image: Image, backends: Mapping[str, Evaluation]) -> Agreement:
    """Judge the backends' evaluations, by name, of a problem at an image."""
    oracle, pixels = Oracle(problem), problem.pixels(image)
    trace = oracle.trace(pixels)
    own = Evaluation(oracle.losses(trace, pixels), oracle.gradient(trace, pixels), trace)
    followed = {name: oracle.gradient(evaluation.trace, pixels) for name, evaluation in backends.items()}
    flips = {name: count_flips(evaluation.trace, trace, problem.recipe) for name, evaluation in backends.items()}
    rows = _rows({**backends, ORACLE: own}, followed, problem, any(flip.any for flip in flips.values()))
    height, width = problem.content.shape[:2]
    return Agreement(problem.precision, (height, width), tuple(rows), flips)


def _rows(
    everyone: Mapping[str, Evaluation], followed: Mapping[str, Array], problem: Problem, flipped: bool
) -> list[Quantity]:
    bounds = bounds_for(problem.precision)
    features = {
        tap: {name: evaluation.trace[tap] for name, evaluation in everyone.items()} for tap in problem.recipe.taps
    }
    gradients = {name: evaluation.gradient for name, evaluation in everyone.items()}
    same_choices = {f"{name}-{ORACLE}": relative_l2(gradients[name], gradient) for name, gradient in followed.items()}
    return [
        *(
            Quantity(f"features {tap}", _by_pair(arrays, relative_l2), bounds.features)
            for tap, arrays in features.items()
        ),
        *compare_terms({name: evaluation.terms for name, evaluation in everyone.items()}, bounds.losses),
        Quantity("gradient", _by_pair(gradients, relative_l2), None if flipped else bounds.gradient),
        Quantity("gradient, 1 - cosine", _by_pair(gradients, cosine_gap), bounds.gradient_cosine_gap),
        Quantity("gradient, same choices", same_choices, bounds.gradient_followed),
    ]


def compare_terms(terms: Mapping[str, LossTerms], bound: float) -> list[Quantity]:
    """One row for each loss term, and one for the total, with the relative difference of every pair."""
    values = {name: terms_of_one.by_name() for name, terms_of_one in terms.items()}
    floor = NEGLIGIBLE_TERM * max(numbers["total"] for numbers in values.values())
    by_term = {term: {name: numbers[term] for name, numbers in values.items()} for term in next(iter(values.values()))}
    difference = partial(relative, floor=floor)
    return [Quantity(f"loss {term}", _by_pair(numbers, difference), bound) for term, numbers in by_term.items()]


def relative(ours: float, theirs: float, floor: float = 0.0) -> float:
    """The difference relative to the second number, or to `floor` if that is larger; two zeros do not differ."""
    return 0.0 if ours == theirs else abs(ours - theirs) / max(abs(theirs), floor, np.finfo(np.float64).tiny)


def relative_l2(ours: Array, theirs: Array) -> float:
    """The relative L2 difference of two arrays, in float64."""
    difference, norm = np.linalg.norm(ours.astype(np.float64) - theirs), np.linalg.norm(theirs.astype(np.float64))
    return float(difference / max(norm, np.finfo(np.float64).tiny))


def cosine_gap(ours: Array, theirs: Array) -> float:
    """One minus the cosine of two arrays taken as vectors, from half the squared distance of their directions."""
    one, other = (_direction(array.astype(np.float64)) for array in (ours, theirs))
    return float(np.sum((one - other) ** 2) / 2)


def _direction(array: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(array)
    return array / norm if norm != 0 else array


def _by_pair(everyone: Mapping[str, Value], difference: Callable[[Value, Value], float]) -> dict[str, float]:
    return {f"{one}-{other}": difference(everyone[one], everyone[other]) for one, other in combinations(everyone, 2)}
