"""Decisions that rounding has turned: a ReLU's sign, a max-pool window's choice. They move a gradient without a bug."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from common.doctor.arrays import Array, Arrays
from common.doctor.differences import difference
from common.doctor.judgement import Judge
from common.doctor.run import Run
from common.oracle_layers import windows
from common.spec.vgg19 import NAMES, Layer, cut

_MOST_NAMED = 3
# float32 keeps 24 bits, and a layer sums thousands of products: what is closer than this to a tie may fall either way.
_NEARLY_TIED = 2e-6
_MOST_CANDIDATES = 60
_MOST_BY_ROUNDING = 5e-2


def decisions_followed(given: Arrays, judge: Judge, names: Sequence[str]) -> tuple[str, str, str] | None:
    """Tensor, words and evidence when a gradient is right for the port's own decisions and only for them."""
    layers = _deciding(judge.own)
    if not all(f"features/{name}" in given for layer in layers for name in _needed(layer)):
        return None
    rows = judge.judge([name for name in names if name.startswith(("features/", "gradient/"))])
    moved = next((row for row in rows if row.verdict != "same"), None)
    if moved is None or moved.verdict == "differs" or not moved.name.startswith("gradient/"):
        return None
    turned = [text for layer in layers for text in _turned(layer, judge.own, judge.reference)]
    if not turned:
        return None
    evidence = (
        f"{_listed(turned)}; {moved.name} is {moved.from_reference.relative:.1e} from the reference's, and "
        f"{moved.from_own.relative:.1e} from it with the port's own decisions"
    )
    return moved.name, f"{len(turned)} decision{'s' if len(turned) > 1 else ''} turned", evidence


def decisions_found(judge: Judge, given: Arrays, name: str) -> tuple[str, str, str] | None:
    """The same for a gradient without the features it was taken at: which near ties, turned, make up the difference."""
    if not name.startswith("gradient/") or judge.from_own(name).relative > _MOST_BY_ROUNDING:
        return None
    base = judge.own.expected(name)
    wanted = (given[name].astype(np.float64) - base).ravel() if given[name].shape == base.shape else None
    ties = _ties(judge.own) if wanted is not None else []
    if wanted is None or not 0 < len(ties) <= _MOST_CANDIDATES:
        return None
    effects = np.stack([(_with_turned(judge.own, given, tie).expected(name) - base).ravel() for tie in ties], axis=1)
    chosen = np.linalg.lstsq(effects, wanted, rcond=None)[0] > 0.5
    after = base + (effects[:, chosen].sum(axis=1)).reshape(base.shape)
    left = difference(given[name], after).relative
    if not chosen.any() or left > judge.tolerance(name):
        return None
    turned = [tie.words for tie, one in zip(ties, chosen, strict=True) if one]
    was = judge.from_own(name).relative
    evidence = f"{_listed(turned)}; with them turned, the difference of {name} falls from {was:.1e} to {left:.1e}"
    return name, f"{len(turned)} of {len(ties)} near ties turned", evidence


@dataclass(frozen=True, eq=False)
class _Tie:
    """A near tie: the layer whose output is changed so little that only the decision turns, and the output."""

    words: str
    below: str
    features: Array


def _deciding(run: Run) -> list[Layer]:
    problem = run.case.problem
    is_max = (problem.recipe.pooling == "max") != run.variant.other_pooling
    layers = cut(problem.recipe.taps)
    return [layer for layer in layers if layer.kind == "relu" or (layer.kind == "pool" and is_max)]


def _needed(layer: Layer) -> tuple[str, ...]:
    return (layer.name,) if layer.kind == "relu" else (NAMES[NAMES.index(layer.name) - 1],)


def _turned(layer: Layer, own: Run, reference: Run) -> Iterator[str]:
    """Every decision that a port takes otherwise, in words."""
    if layer.kind == "relu":
        others = (own.layer(layer.name) > 0) != (reference.layer(layer.name) > 0)
    else:
        below = NAMES[NAMES.index(layer.name) - 1]
        others = windows(own.layer(below)).argmax(axis=2) != windows(reference.layer(below)).argmax(axis=2)
    for row, column, channel in np.argwhere(others):
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
    for layer in _deciding(run):
        below = NAMES[NAMES.index(layer.name) - 1]
        values = np.asarray(run.layer(below), np.float64)
        close = _NEARLY_TIED * float(np.sqrt(np.mean(values**2)))
        found += (
            _relu_ties(layer, below, values, close) if layer.kind == "relu" else _pool_ties(layer, below, values, close)
        )
    return found


def _relu_ties(layer: Layer, below: str, values: Array, close: float) -> list[_Tie]:
    ties = []
    for row, column, channel in np.argwhere(np.abs(values) < close):
        turned = values.copy()
        turned[row, column, channel] = -1e-30 if values[row, column, channel] > 0 else 1e-30
        ties.append(_Tie(_words(layer, row, column, channel), below, turned))
    return ties


def _pool_ties(layer: Layer, below: str, values: Array, close: float) -> list[_Tie]:
    ties = []
    blocks = windows(values)
    order = np.argsort(blocks, axis=2)
    best, second = (np.take_along_axis(blocks, order[:, :, at : at + 1], axis=2)[:, :, 0] for at in (3, 2))
    for row, column, channel in np.argwhere((best - second < close) & (best > 0) & (best != second)):
        place = int(order[row, column, 2, channel])
        turned = values.copy()
        turned[2 * row + place // 2, 2 * column + place % 2, channel] = np.nextafter(best[row, column, channel], np.inf)
        ties.append(_Tie(_words(layer, row, column, channel), below, turned))
    return ties


def _with_turned(run: Run, given: Arrays, tie: _Tie) -> Run:
    return Run(run.case, run.variant, {**given, f"features/{tie.below}": tie.features})
