"""Does one row compute what it should: its loss and gradient against the oracle's, and against its own float64."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from common.comparison.agreement.table import GRADIENT, flips_of, judge_of
from common.comparison.published import Number, Size, published
from common.distances import cosine_gap
from common.doctor import Judge, difference, loss_unit, ties_turned
from common.oracle import Run
from common.problem import Precision
from common.tensors import Array, Arrays, TensorName
from common.tolerances import bounds_for


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
    """Both checks of a row."""

    oracle: Check
    float64: Check

    @published
    def agrees(self) -> bool:
        """Whether both agree."""
        return self.oracle.agrees and self.float64.agrees


def check_by_own(ours: Arrays, theirs: Arrays, precision: Precision) -> Check:
    """Judge an evaluation by a better one of the same backend; what has flipped is not known."""
    return _check(ours, theirs.__getitem__, precision)


def check_by_oracle(ours: Arrays, reference: Run, precision: Precision) -> Check:
    """Judge an evaluation by the reference, and where decisions may have flipped, by a gradient that takes the same.

    What a fused network decides cannot be seen: then the near ties are turned that make up the difference.
    """
    found, judge = _check(ours, reference.expected, precision), judge_of(ours, reference, precision)
    if not any(TensorName.parse(name).stage == "taps" for name in ours):
        return replace(found, gradient_followed=_with_ties_turned(found, judge, precision))
    flips, bounds = flips_of(judge), bounds_for(precision)
    return replace(
        found,
        gradient_bound=bounds.gradient_flipped if flips.any else bounds.gradient,
        gradient_followed=judge.from_own(GRADIENT).relative,
        relu_flips=flips.relu,
        pool_flips=flips.pool,
    )


def _with_ties_turned(found: Check, judge: Judge, precision: Precision) -> float | None:
    """What is left of a gradient's difference; None where it is small, or the arithmetic has too many ties."""
    if found.gradient <= bounds_for(precision).gradient or precision in ("bfloat16", "tf32"):
        return None
    ties = ties_turned(judge, GRADIENT)
    return found.gradient if ties is None else ties.left


def _check(ours: Arrays, expected: Callable[[str], Array], precision: Precision) -> Check:
    bounds, gradient = bounds_for(precision), ours[GRADIENT]
    terms = [
        difference(term, expected(name), loss_unit(expected(name), expected("loss/total"))).relative
        for name, term in ours.items()
        if TensorName.parse(name).stage == "loss"
    ]
    return Check(
        size_px=(gradient.shape[0], gradient.shape[1]),
        loss=max(terms),
        gradient=difference(gradient, expected(GRADIENT)).relative,
        cosine_gap=cosine_gap(gradient, expected(GRADIENT)),
        gradient_followed=None,
        loss_bound=bounds.losses,
        gradient_bound=bounds.gradient if precision == "float64" else bounds.gradient_flipped,
        cosine_gap_bound=bounds.gradient_cosine_gap,
        gradient_followed_bound=bounds.gradient_followed,
        relu_flips=None,
        pool_flips=None,
    )
