"""Decisions that rounding has turned: a ReLU's sign, a max-pool window's choice. They move a gradient without a bug."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.doctor.diagnosis.clues import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.near_ties import NearTie, deciding, equal_neighbours, in_words, near_ties
from common.doctor.reference import Run, decided_on, turned
from common.tensors import LBFGS_CHECKED, Array, Arrays
from common.vgg19 import Layer

_MOST_CANDIDATES = 60
_MOST_BY_ROUNDING = 5e-2


def decisions_followed(given: Arrays, judge: Judge, names: Sequence[str]) -> tuple[str, str, Clue] | None:
    """Tensor, detail and evidence when a gradient is right for the port's own decisions and only for them."""
    layers = deciding(judge.own)
    if not all(f"features/{decided_on(layer)}" in given for layer in layers):
        return None
    rows = judge.judge([name for name in names if name.startswith(("features/", "gradient/"))])
    moved = next((row for row in rows if row.verdict != "same"), None)
    if moved is None or moved.verdict == "differs" or not moved.name.startswith("gradient/"):
        return None
    others = [text for layer in layers for text in _turned(layer, judge.own, judge.reference)]
    if not others:
        return None
    differences = {"was": moved.from_reference.relative, "left": moved.from_own.relative}
    evidence = Clue("decisions followed", {"tensor": moved.name, "decisions": tuple(others), **differences})
    return moved.name, f"{len(others)} decision{'s' if len(others) > 1 else ''} turned", evidence


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
    """What was turned in words, how many near ties and of how many, whether slopes, and the difference that is left."""

    words: tuple[str, ...]
    turned: int
    there_are: int
    slopes: bool
    left: float


def ties_turned(judge: Judge, given: Arrays, name: str) -> TiesTurned | None:
    """Turn the near ties that together come nearest to a gradient; None where it is too far off, or none does."""
    found = [_turned_at(*point, judge.tolerance(name)) for point in _points(judge, given, name)]
    words = tuple(text for it in found for text in it.words)
    if not words:
        return None
    turned, there_are = sum(it.turned for it in found), sum(it.there_are for it in found)
    return TiesTurned(words, turned, there_are, any(it.slopes for it in found), max(it.left for it in found))


def _points(judge: Judge, given: Arrays, name: str) -> Iterator[tuple[Run, str, Array]]:
    """Where a gradient was taken, what it is called there, and what the port says of it."""
    own = judge.own
    if name.startswith("gradient/"):
        yield own, name, given[name]
    elif name.startswith("adam/") and name.endswith("/gradient"):
        yield own.at_step(int(name.split("/")[1])), "gradient/pixels", given[name]
    elif name == "lbfgs/gradients":
        points = own.value("lbfgs/pixels")[:LBFGS_CHECKED]
        if given[name].ndim == points.ndim and len(given[name]) >= len(points):
            yield from ((own.at(point), "gradient/pixels", it) for point, it in zip(points, given[name], strict=False))


def _turned_at(run: Run, name: str, got: Array, tolerance: float) -> TiesTurned:
    """The same at one point; equal neighbours reach no further than themselves, so the network is judged elsewhere."""
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
        words.append(f"the slope of |x| between {pairs} of {len(equal.one)} pairs of equal neighbours")
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
    effects = np.stack([(it.expected(name) - base).ravel() for it in turned], axis=1)
    chosen = np.linalg.lstsq(effects[elsewhere], wanted.ravel()[elsewhere], rcond=None)[0] > 0.5
    made = effects[:, chosen].sum(axis=1).reshape(base.shape)
    return [tie for tie, one in zip(ties, chosen, strict=True) if one], made


def _turned(layer: Layer, own: Run, reference: Run) -> Iterator[str]:
    """Every decision that a port takes otherwise, in words."""
    for row, column, channel in np.argwhere(turned(layer, own.layer, reference.layer)):
        yield in_words(layer, row, column, channel)
