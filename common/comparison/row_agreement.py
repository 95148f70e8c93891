"""Does one row compute what it should: its loss and gradient against the oracle's, and against its own float64."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from common.bounds import bounds_for
from common.comparison.agreement import Evaluation, compare_terms, cosine_gap, relative_l2
from common.comparison.flips import Flips
from common.problem import Problem


@dataclass(frozen=True)
class Check:
    """The largest relative difference of a loss term, and those of the gradient, each with its bound."""

    size_px: tuple[int, int]
    loss: float
    gradient: float
    cosine_gap: float
    loss_bound: float
    gradient_bound: float
    cosine_gap_bound: float
    relu_flips: int | None
    pool_flips: int | None

    @property
    def agrees(self) -> bool:
        """Whether every judged difference is within its bound; a nan is not."""
        gradient = self.gradient <= self.gradient_bound and self.cosine_gap <= self.cosine_gap_bound
        return gradient and self.loss <= self.loss_bound

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the verdict."""
        return {**asdict(self), "agrees": self.agrees}


@dataclass(frozen=True)
class RowAgreement:
    """Both checks of a row."""

    oracle: Check
    float64: Check

    @property
    def agrees(self) -> bool:
        """Whether both agree."""
        return self.oracle.agrees and self.float64.agrees

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the verdicts."""
        return {"oracle": self.oracle.to_json(), "float64": self.float64.to_json(), "agrees": self.agrees}


def check(ours: Evaluation, theirs: Evaluation, problem: Problem, flips: Flips | None, seen: bool) -> Check:
    """Judge an evaluation of a problem by a better one.

    `seen` says whether the flips are those of this very evaluation. Only then, and where there is none, the gradient
    has to be as near as rounding alone leaves it (see `common.bounds`).
    """
    bounds = bounds_for(problem.precision)
    terms = compare_terms({"ours": ours.terms, "theirs": theirs.terms}, bounds.losses)
    unflipped = problem.precision == "float64" or (seen and flips is not None and not flips.any)
    return Check(
        size_px=_extent(problem),
        loss=float(np.max([list(term.differences.values()) for term in terms])),  # which keeps a nan, unlike max()
        gradient=relative_l2(ours.gradient, theirs.gradient),
        cosine_gap=cosine_gap(ours.gradient, theirs.gradient),
        loss_bound=bounds.losses,
        gradient_bound=bounds.gradient if unflipped else bounds.gradient_flipped,
        cosine_gap_bound=bounds.gradient_cosine_gap,
        relu_flips=None if flips is None else flips.relu,
        pool_flips=None if flips is None else flips.pool,
    )


def _extent(problem: Problem) -> tuple[int, int]:
    height, width = problem.content.shape[:2]
    return height, width
