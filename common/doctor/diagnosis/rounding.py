"""Decisions that rounding has turned: a ReLU's sign, a max-pool window's choice. They move a gradient without a bug."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.doctor.diagnosis.clues import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.near_ties import NearTie, deciding, equal_neighbours, in_words, near_ties
from common.oracle import Run, decided_on, turned
from common.tensors import LBFGS_CHECKED, Array, Arrays, TensorName
from common.vgg19 import Layer

_MOST_CANDIDATES = 60
_MOST_BY_ROUNDING = 5e-2


def decisions_followed(given: Arrays, judge: Judge, names: Sequence[str]) -> tuple[str, str, Clue] | None:
    """Tensor, detail and evidence when a gradient is right for the port's own decisions and only for them."""
    layers = deciding(judge.own)
    if not all(f"features/{decided_on(layer)}" in given for layer in layers):
        return None
    rows = judge.judge([name for name in names if TensorName.parse(name).stage in ("taps", "gradient")])
    moved = next((row for row in rows if row.verdict != "same"), None)
    if moved is None or moved.verdict == "differs" or TensorName.parse(moved.name).stage != "gradient":
        return None
    decisions = [text for layer in layers for text in _turned(layer, judge.own, judge.reference)]
    if not decisions:
        return None
    differences = {"was": moved.from_reference.relative, "left": moved.from_own.relative}
    evidence = Clue("decisions followed", {"tensor": moved.name, "decisions": tuple(decisions), **differences})
    return moved.name, f"{len(decisions)} decision{'s' if len(decisions) > 1 else ''} turned", evidence


def decisions_found(judge: Judge, given: Arrays, name: str) -> tuple[str, str, Clue] | None:
    """The same for a gradient without the features it was taken at: which near ties, turned, make up the difference."""
    ties = ties_turned(judge, given, name)
    if ties is None or ties.left > judge.tolerance(name):
        return None
    differences = {"was": judge.from_own(name).relative, "left": ties.left}
    evidence = Clue("decisions turned", {"tensor": name, "decisions": ties.words, **differences})
    words = [f"{ties.turned} of {ties.there_are} near ties turned"] if ties.turned else []
    words += ["other slopes between equal neighbours"] if ties.slopes else []
    return name, " and ".join(words), evidence


@dataclass(frozen=True)
class TiesTurned:
    """Near ties that were turned, in words and how many of how many, and the relative difference that is `left`.

    `slopes` says whether other slopes between equal neighbours were fitted, too.
    """

    words: tuple[str, ...]
    turned: int
    there_are: int
    slopes: bool
    left: float


def ties_turned(judge: Judge, given: Arrays, name: str) -> TiesTurned | None:
    """Turn the near ties that together come nearest to a gradient; None where turning any does not help."""
    points = [_turned_at(*point, judge.tolerance(name)) for point in _points(judge, given, name)]
    words = tuple(text for point in points for text in point.words)
    if not words:
        return None
    turned, there_are = sum(point.turned for point in points), sum(point.there_are for point in points)
    return TiesTurned(words, turned, there_are, any(point.slopes for point in points), max(at.left for at in points))


def _points(judge: Judge, given: Arrays, name: str) -> Iterator[tuple[Run, str, Array]]:
    """The run at each point where a gradient was taken, the gradient's name there, and the port's gradient."""
    own, parsed = judge.own, TensorName.parse(name)
    if parsed.stage == "gradient":
        yield own, name, given[name]
    elif parsed.kind == "adam/gradient":
        yield own.at_step(parsed.step), "gradient/pixels", given[name]
    elif parsed.kind == "lbfgs/gradients":
        points, gradients = own.value("lbfgs/pixels")[:LBFGS_CHECKED], given[name]
        if gradients.ndim == points.ndim and len(gradients) >= len(points):
            for point, gradient in zip(points, gradients, strict=False):
                yield own.at(point), "gradient/pixels", gradient


def _turned_at(run: Run, name: str, got: Array, tolerance: float) -> TiesTurned:
    """Turn near ties at one point: the network's by the places without equal neighbours, then slopes between these."""
    base = run.expected(name)
    norm = float(np.linalg.norm(base))
    if got.shape != base.shape or not np.isfinite(got).all() or norm == 0:
        return TiesTurned((), 0, 0, False, np.inf)
    left = got.astype(np.float64) - base
    equal = equal_neighbours(run) if name == "gradient/pixels" else None
    elsewhere = np.ones(base.size, bool)
    if equal is not None:
        elsewhere[equal.touched] = False
    ties: list[NearTie] = []
    turned: list[NearTie] = []
    if tolerance * norm < float(np.linalg.norm(left.ravel()[elsewhere])) <= _MOST_BY_ROUNDING * norm:
        ties = near_ties(run)
        turned, made = _in_the_network(run, name, ties, left, elsewhere)
        left = left - made
    words = [tie.words for tie in turned]
    slopes = equal is not None and float(np.linalg.norm(left)) > tolerance * norm
    if equal is not None and slopes:
        pairs, made = equal.turned(left)
        words.append(f"the slope of |x| between {pairs} of {len(equal.first)} pairs of equal neighbours")
        left = left - made
    return TiesTurned(tuple(words), len(turned), len(ties), slopes, float(np.linalg.norm(left)) / norm)


def _in_the_network(
    run: Run, name: str, ties: Sequence[NearTie], wanted: Array, elsewhere: Array
) -> tuple[list[NearTie], Array]:
    """The near ties that, turned, come nearest to a difference in some places, and what they make of the gradient."""
    if not 0 < len(ties) <= _MOST_CANDIDATES:
        return [], np.zeros_like(wanted)
    base = run.expected(name)
    turned = (run.but({f"features/{tie.below}": tie.features}) for tie in ties)
    effects = np.stack([(with_tie.expected(name) - base).ravel() for with_tie in turned], axis=1)
    chosen = np.linalg.lstsq(effects[elsewhere], wanted.ravel()[elsewhere], rcond=None)[0] > 0.5
    made = effects[:, chosen].sum(axis=1).reshape(base.shape)
    return [tie for tie, is_chosen in zip(ties, chosen, strict=True) if is_chosen], made


def _turned(layer: Layer, own: Run, reference: Run) -> Iterator[str]:
    """Every decision that a port takes otherwise, in words."""
    for row, column, channel in np.argwhere(turned(layer, own.layer, reference.layer)):
        yield in_words(layer, row, column, channel)
