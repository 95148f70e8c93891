"""Decisions that rounding has turned: a ReLU's sign, a max-pool window's choice. They move a gradient without a bug."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from common.doctor.diagnosis.findings import Clue, Finding
from common.doctor.diagnosis.judge import Judge
from common.doctor.hypotheses import TURNED_DECISIONS
from common.oracle import Run, below, decided_on, deciding, turned, tv_slopes, windows
from common.tensors import LBFGS_CHECKED, Array, Arrays, TensorName
from common.vgg19 import Layer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# float32 keeps 24 bits, and a layer sums thousands of products: what is closer than this to a tie may fall either way.
NEARLY_TIED = 2e-6

_MOST_PAIRS = 100_000  # more take too long to fit
_LEAST_CHANGE = 0.1  # of a slope; a smaller one is rounding
_SLACK = 1.01
_MOST_ROUNDS, _SETTLED = 50, 1e-6
_MOST_CANDIDATES = 60
_MOST_BY_ROUNDING = 5e-2


def decisions_followed(judge: Judge, names: Sequence[str]) -> Finding | None:
    """What is found when a gradient is right for the port's own decisions and only for them."""
    layers = deciding(judge.own)
    if judge.variant.substitutes or not all(f"features/{decided_on(layer)}" in judge.given for layer in layers):
        return None
    rows = (judge.judged(name) for name in names if TensorName.parse(name).stage in ("taps", "gradient"))
    moved = next((row for row in rows if row.verdict != "same"), None)
    if moved is None or moved.verdict == "differs" or TensorName.parse(moved.name).stage != "gradient":
        return None
    decisions = tuple(
        in_words(layer, *place) for layer in layers for place in np.argwhere(turned(layer, judge.own, judge.reference))
    )
    if not decisions:
        return None
    differences = {"was": moved.from_reference.relative, "left": moved.from_own.relative}
    evidence = Clue("decisions followed", {"tensor": moved.name, "decisions": decisions, **differences})
    detail = f"{len(decisions)} decision{'s' if len(decisions) > 1 else ''} turned"
    return Finding(TURNED_DECISIONS, moved.name, detail, (evidence,))


def decisions_found(judge: Judge, name: str) -> Finding | None:
    """The same for a gradient without the features it was taken at: which near ties, turned, make up the difference."""
    ties = ties_turned(judge, name)
    if ties is None or ties.left > judge.tolerance(name):
        return None
    differences = {"was": judge.from_own(name).relative, "left": ties.left}
    evidence = Clue("decisions turned", {"tensor": name, "decisions": ties.words, **differences})
    details = [f"{ties.turned} of {ties.there_are} near ties turned"] if ties.turned else []
    details += ["other slopes between equal neighbours"] if ties.slopes else []
    return Finding(TURNED_DECISIONS, name, " and ".join(details), (evidence,))


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


def ties_turned(judge: Judge, name: str) -> TiesTurned | None:
    """Turn the near ties that together come nearest to a gradient; None where turning any does not help."""
    points = [_turned_at(*point, judge.tolerance(name)) for point in _points(judge, name)]
    words = tuple(text for point in points for text in point.words)
    if not words:
        return None
    turned, there_are = sum(point.turned for point in points), sum(point.there_are for point in points)
    return TiesTurned(words, turned, there_are, any(point.slopes for point in points), max(at.left for at in points))


def _points(judge: Judge, name: str) -> Iterator[tuple[Run, str, Array]]:
    """The run at each point where a gradient was taken, the gradient's name there, and the port's gradient."""
    own, parsed, got = judge.own, TensorName.parse(name), judge.given[name]
    if parsed.stage == "gradient":
        yield own, name, got
    elif parsed.kind == "adam/gradient":
        yield own.at_step(parsed.step), "gradient/pixels", got
    elif parsed.kind == "lbfgs/gradients":
        points = own.value("lbfgs/pixels")[:LBFGS_CHECKED]
        if got.ndim == points.ndim and len(got) >= len(points):
            for point, gradient in zip(points, got, strict=False):
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
    ties: dict[str, Arrays] = {}
    words: list[str] = []
    if tolerance * norm < float(np.linalg.norm(left.ravel()[elsewhere])) <= _MOST_BY_ROUNDING * norm:
        ties = near_ties(run)
        words, made = _in_the_network(run, name, ties, left, elsewhere)
        left = left - made
    turned = len(words)
    slopes = equal is not None and float(np.linalg.norm(left)) > tolerance * norm
    if equal is not None and slopes:
        pairs, made = equal.turned(left)
        words.append(f"the slope of |x| between {pairs} of {len(equal.first)} pairs of equal neighbours")
        left = left - made
    return TiesTurned(tuple(words), turned, len(ties), slopes, float(np.linalg.norm(left)) / norm)


def _in_the_network(
    run: Run, name: str, ties: Mapping[str, Arrays], wanted: Array, elsewhere: Array
) -> tuple[list[str], Array]:
    """The near ties that, turned, come nearest to a difference in some places, and what they make of the gradient."""
    if not 0 < len(ties) <= _MOST_CANDIDATES:
        return [], np.zeros_like(wanted)
    base = run.expected(name)
    effects = np.stack([(run.but(given).expected(name) - base).ravel() for given in ties.values()], axis=1)
    chosen = np.linalg.lstsq(effects[elsewhere], wanted.ravel()[elsewhere], rcond=None)[0] > 0.5
    made = effects[:, chosen].sum(axis=1).reshape(base.shape)
    return list(compress(ties, chosen)), made


def near_ties(run: Run) -> dict[str, Arrays]:
    """Every near tie of the reference at the image, in words, and what turns it: the output of the layer below."""
    ties: dict[str, Arrays] = {}
    for layer in deciding(run):
        values = np.asarray(run.layer(below(layer)), np.float64)
        close = NEARLY_TIED * float(np.sqrt(np.mean(values**2)))
        for place, winner, value in (_relu_ties if layer.kind == "relu" else _pool_ties)(values, close):
            features = values.copy()
            features[winner] = value
            ties[in_words(layer, *place)] = {f"features/{below(layer)}": features}
    return ties


# A tie's row, column and channel, and the place and the value that turn it.
Tie = tuple[tuple[int, int, int], tuple[int, int, int], float]


def _relu_ties(values: Array, close: float) -> Iterator[Tie]:
    for row, column, channel in np.argwhere(np.abs(values) < close):
        place = (row, column, channel)
        yield place, place, -1e-30 if values[place] > 0 else 1e-30


def _pool_ties(values: Array, close: float) -> Iterator[Tie]:
    blocks = windows(values)
    order = np.argsort(blocks, axis=2)
    best, second = (np.take_along_axis(blocks, order[:, :, at : at + 1], axis=2)[:, :, 0] for at in (3, 2))
    for row, column, channel in np.argwhere((best - second < close) & (best > 0) & (best != second)):
        place = int(order[row, column, 2, channel])
        winner = (2 * row + place // 2, 2 * column + place % 2, channel)
        yield (row, column, channel), winner, np.nextafter(best[row, column, channel], np.inf)


def in_words(layer: Layer, row: int, column: int, channel: int) -> str:
    """Name a decision by its layer and place."""
    what = "sign at" if layer.kind == "relu" else "window of"
    return f"the {what} {layer.name}, row {row}, column {column}, channel {channel}"


@dataclass(frozen=True, eq=False)
class EqualNeighbours:
    """Pairs of neighbours in the variable that are equal but for rounding, with total variation's |x| between them.

    |x| has every slope from -1 to 1 at 0, and an implementation may take any of them. Arrays have one entry a pair: the
    flat places of both values, the gradient there for a slope of 1, and the slope that the reference takes.
    """

    first: Array
    second: Array
    gradient: Array
    slope: Array

    @property
    def touched(self) -> Array:
        """The places that are in a pair."""
        return np.union1d(self.first, self.second)

    def turned(self, wanted: Array) -> tuple[int, Array]:
        """Fit other slopes to the difference of two gradients: how many pairs they concern, and what they add."""
        from scipy.sparse import coo_matrix  # here and below, since SciPy takes longer to import than most checks

        pairs, touched = np.arange(len(self.first)), self.touched
        rows = np.searchsorted(touched, np.concatenate([self.first, self.second]))
        signs = np.concatenate([-self.gradient, self.gradient])
        effects = coo_matrix((signs, (rows, np.tile(pairs, 2))), (len(touched), len(pairs))).tocsr()
        changes = self._within_bounds(effects, wanted.ravel()[touched])
        added = np.zeros(wanted.size)
        added[touched] = effects @ changes
        return int(np.count_nonzero(np.abs(changes) > _LEAST_CHANGE)), added.reshape(wanted.shape)

    def _within_bounds(self, effects: "csr_matrix", wanted: Array) -> Array:
        """The change of every slope: alternating projections onto least squares and onto slopes from -1 to 1."""
        from scipy.sparse.linalg import lsmr

        changes = np.zeros(len(self.first))
        for _ in range(_MOST_ROUNDS):
            before, step = changes, lsmr(effects, wanted - effects @ changes, atol=1e-15, btol=1e-15)[0]
            changes = np.clip(before + step, -_SLACK - self.slope, _SLACK - self.slope)
            if np.max(np.abs(changes - before)) < _SETTLED:
                break
        return changes


def equal_neighbours(run: Run) -> EqualNeighbours | None:
    """The equal neighbours in a run's variable; None for no pair, too many, or a total variation without |x|."""
    slopes = tv_slopes(run)
    if slopes is None or run.variant.flat_chw:
        return None
    pixels = np.asarray(run.value("pixels"), np.float64)
    close = NEARLY_TIED * float(np.sqrt(np.mean(pixels**2)))
    places = np.arange(pixels.size).reshape(pixels.shape)
    by_axis = []
    for axis, slope in enumerate(slopes):
        steps = np.diff(pixels, axis=axis)
        tied = np.abs(steps) <= close
        first, second = (np.delete(places, end, axis)[tied] for end in (-1, 0))
        by_axis.append((first, second, np.broadcast_to(slope, tied.shape)[tied], np.sign(steps[tied])))
    neighbours = EqualNeighbours(*(np.concatenate(parts) for parts in zip(*by_axis, strict=True)))
    return neighbours if 0 < len(neighbours.first) <= _MOST_PAIRS else None
