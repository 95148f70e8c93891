"""What became of a tensor's numbers, whatever they mean: some are no numbers, or all have fewer digits than float32."""

from collections.abc import Iterator

import numpy as np

from common.distances import relative_l2
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.oracle import Arithmetic, rounded
from common.tensors import Array, TensorName

_UNITS: dict[Arithmetic, float] = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # half the distance of neighbours, of 1
_SMALLEST: dict[Arithmetic, float] = {"float16": 2.0**-25, "bfloat16": 1e-38}
_LARGEST = 65504.0  # of float16
_SLACK = 1.01
_ROUNDING = 1e-5  # of the largest value: what the arithmetic before had lost
_FEWEST = 16
_OF_ROUNDED_INPUTS = 2  # units that a tensor may be off which follows from others in the same format


def damaged(name: str, got: Array, judge: Judge, shorter: str | None) -> Clue | None:
    """Values that are no numbers, or all rounded to a shorter format; `shorter` is that of tensors before, if any."""
    missing = np.isnan(got)
    lost = Clue("not finite", {"count": int(np.count_nonzero(~np.isfinite(got))), "size": got.size})
    if missing.any():
        return lost
    for candidate in _UNITS:
        if _is_stored_in(candidate, name, got.astype(np.float64), judge, candidate == shorter):
            return Clue("stored in", {"format": candidate})
        if candidate == shorter and _can_hold(candidate, got.astype(np.float64)):
            return Clue("all of a format", {"format": candidate})
    return lost if np.isinf(got).any() and np.isfinite(judge.own.expected(name)).all() else None


def all_of_a_format(name: str, got: Array, _: Judge) -> Iterator[Clue]:
    """The shorter format that holds all values, whatever they should be; at most one clue."""
    ours = got.astype(np.float64)
    for candidate in _UNITS:
        if np.unique(ours).size >= _FEWEST and _can_hold(candidate, ours):
            if not _is_on_a_grid(ours) and TensorName.parse(name).stage not in ("file", "resize"):
                yield Clue("all of a format", {"format": candidate})
            return


def _is_stored_in(candidate: Arithmetic, name: str, ours: Array, judge: Judge, likely: bool) -> bool:
    """Whether a format can represent every value and, but for its rounding, each is what it should be."""
    held = np.isfinite(ours)
    if not _can_hold(candidate, ours):
        return False
    by_chance = np.unique(ours[held]).size < _FEWEST or _is_on_a_grid(ours)
    if by_chance and not likely:
        return False
    if TensorName.parse(name).stage == "optimizer":
        return False  # what follows from rounded steps takes long, and is far from them
    return any(_is_near(candidate, ours, run.expected(name), held, likely) for run in (judge.own, judge.reference))


def _is_on_a_grid(ours: Array) -> bool:
    """Whether all are multiples of 1/256, which the formats hold too, as they hold whole numbers."""
    return np.array_equal(np.rint(256 * ours), 256 * ours)


def _can_hold(candidate: Arithmetic, ours: Array) -> bool:
    held = np.isfinite(ours)
    return np.array_equal(rounded(ours, candidate)[held], ours[held])


def _is_near(candidate: Arithmetic, ours: Array, theirs: Array, held: Array, likely: bool) -> bool:
    unit = _UNITS[candidate]
    if theirs.shape != ours.shape:
        return False
    beyond = (candidate == "float16") & (np.abs(theirs) > _LARGEST * (1 - unit))
    if not beyond[~held].all():  # an infinity is right beyond the format's range alone
        return False
    if likely and relative_l2(ours[held], theirs[held]) <= _OF_ROUNDED_INPUTS * unit:
        return True
    rounding = _ROUNDING * float(np.max(np.abs(theirs[held]), initial=0.0))
    close = _SLACK * np.maximum(unit * np.abs(theirs), _SMALLEST[candidate]) + rounding
    return bool((np.abs(ours - theirs)[held] <= close[held]).all())
