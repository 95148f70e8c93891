"""Decisions that rounding has turned: a ReLU's sign, a max-pool window's choice. They move a gradient without a bug."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.doctor.arrays import Array, Arrays
from common.doctor.decisions import below, decided_on, deciding_layers, turned
from common.doctor.differences import difference
from common.doctor.judgement import Judge
from common.doctor.run import Run
from common.oracle_layers import windows
from common.spec.vgg19 import Layer

_MOST_NAMED = 3
# float32 keeps 24 bits, and a layer sums thousands of products: what is closer than this to a tie may fall either way.
_NEARLY_TIED = 2e-6
_MOST_CANDIDATES = 60
_MOST_BY_ROUNDING = 5e-2


def decisions_followed(given: Arrays, judge: Judge, names: Sequence[str]) -> tuple[str, str, str] | None:
    """Tensor, words and evidence when a gradient is right for the port's own decisions and only for them."""
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
    evidence = (
        f"{_listed(others)}; {moved.name} is {moved.from_reference.relative:.1e} from the reference's, and "
        f"{moved.from_own.relative:.1e} from it with the port's own decisions"
    )
    return moved.name, f"{len(others)} decision{'s' if len(others) > 1 else ''} turned", evidence


def decisions_found(judge: Judge, given: Arrays, name: str) -> tuple[str, str, str] | None:
    """The same for a gradient without the features it was taken at: which near ties, turned, make up the difference."""
    ties = ties_turned(judge, given, name)
    if ties is None or ties.left > judge.tolerance(name):
        return None
    was = judge.from_own(name).relative
    evidence = (
        f"{_listed(ties.words)}; with them turned, the difference of {name} falls from {was:.1e} to {ties.left:.1e}"
    )
    return name, f"{len(ties.words)} of {ties.there_are} near ties turned", evidence


@dataclass(frozen=True)
class TiesTurned:
    """The near ties that were turned, how many there are, and the relative difference that is left."""

    words: tuple[str, ...]
    there_are: int
    left: float


def ties_turned(judge: Judge, given: Arrays, name: str) -> TiesTurned | None:
    """Turn the near ties that together come nearest to a gradient; None where it is too far off, or none does."""
    if not name.startswith("gradient/") or judge.from_own(name).relative > _MOST_BY_ROUNDING:
        return None
    base = judge.own.expected(name)
    ties = _ties(judge.own) if given[name].shape == base.shape else []
    if not 0 < len(ties) <= _MOST_CANDIDATES:
        return None
    wanted = (given[name].astype(np.float64) - base).ravel()
    effects = np.stack([(_with_turned(judge.own, given, tie).expected(name) - base).ravel() for tie in ties], axis=1)
    chosen = np.linalg.lstsq(effects, wanted, rcond=None)[0] > 0.5
    after = base + (effects[:, chosen].sum(axis=1)).reshape(base.shape)
    words = tuple(tie.words for tie, one in zip(ties, chosen, strict=True) if one)
    return TiesTurned(words, len(ties), difference(given[name], after).relative) if words else None


@dataclass(frozen=True, eq=False)
class _Tie:
    """A near tie: the layer whose output is changed so little that only the decision turns, and the output."""

    words: str
    below: str
    features: Array


def deciding(run: Run) -> list[Layer]:
    """The layers that decide something, with the pooling that the run has."""
    recipe = run.case.problem.recipe
    is_max = (recipe.pooling == "max") != run.variant.other_pooling
    return deciding_layers(recipe.taps, "max" if is_max else "average")


def _turned(layer: Layer, own: Run, reference: Run) -> Iterator[str]:
    """Every decision that a port takes otherwise, in words."""
    for row, column, channel in np.argwhere(turned(layer, own.layer, reference.layer)):
        yield _words(layer, row, column, channel)


def _words(layer: Layer, row: int, column: int, channel: int) -> str:
    what = "sign at" if layer.kind == "relu" else "window of"
    return f"the {what} {layer.name}, row {row}, column {column}, channel {channel}"


def _listed(turned: Sequence[str]) -> str:
    more = len(turned) - _MOST_NAMED
    return ", ".join(turned[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _ties(run: Run) -> list[_Tie]:
    """Every near tie of the reference at the image."""
    found: list[_Tie] = []
    for layer in deciding(run):
        values = np.asarray(run.layer(below(layer)), np.float64)
        close = _NEARLY_TIED * float(np.sqrt(np.mean(values**2)))
        found += (_relu_ties if layer.kind == "relu" else _pool_ties)(layer, values, close)
    return found


def _relu_ties(layer: Layer, values: Array, close: float) -> list[_Tie]:
    ties = []
    for row, column, channel in np.argwhere(np.abs(values) < close):
        other = values.copy()
        other[row, column, channel] = -1e-30 if values[row, column, channel] > 0 else 1e-30
        ties.append(_Tie(_words(layer, row, column, channel), below(layer), other))
    return ties


def _pool_ties(layer: Layer, values: Array, close: float) -> list[_Tie]:
    ties = []
    blocks = windows(values)
    order = np.argsort(blocks, axis=2)
    best, second = (np.take_along_axis(blocks, order[:, :, at : at + 1], axis=2)[:, :, 0] for at in (3, 2))
    for row, column, channel in np.argwhere((best - second < close) & (best > 0) & (best != second)):
        place = int(order[row, column, 2, channel])
        other = values.copy()
        other[2 * row + place // 2, 2 * column + place % 2, channel] = np.nextafter(best[row, column, channel], np.inf)
        ties.append(_Tie(_words(layer, row, column, channel), below(layer), other))
    return ties


def _with_turned(run: Run, given: Arrays, tie: _Tie) -> Run:
    return Run(run.case, run.variant, {**given, f"features/{tie.below}": tie.features})
