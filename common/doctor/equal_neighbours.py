"""Neighbours that are equal but for rounding: total variation's gradient takes the sign of their difference."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear
from scipy.sparse import coo_matrix

from common.doctor.arrays import Array
from common.doctor.near_ties import NEARLY_TIED
from common.doctor.run import Run

_MOST = 20_000
_MEANT = 0.1  # of a slope: what is less has not been turned
_SLACK = 1.05


@dataclass(frozen=True, eq=False)
class EqualNeighbours:
    """Pairs of values of the variable by their places in it, flat, and the slope of total variation at each pair.

    |x| has every slope from -1 to 1 at 0: two implementations may differ by twice the slope there, and both are right.
    """

    one: Array
    other: Array
    slopes: Array

    @property
    def touched(self) -> Array:
        """The places that are in a pair."""
        return np.union1d(self.one, self.other)

    def turned(self, wanted: Array) -> tuple[int, Array]:
        """How many signs are to be turned to come nearest to a difference of two gradients, and what that makes."""
        pairs, touched = np.arange(len(self.one)), self.touched
        rows = np.searchsorted(touched, np.concatenate([self.one, self.other]))
        signs = np.concatenate([-self.slopes, self.slopes])
        effects = coo_matrix((signs, (rows, np.tile(pairs, 2))), (len(touched), len(pairs))).tocsr()
        found = lsq_linear(effects, wanted.ravel()[touched], (-2 * _SLACK, 2 * _SLACK), lsmr_tol=1e-14, tol=1e-14).x
        made = np.zeros(wanted.size)
        made[touched] = effects @ found
        return int(np.count_nonzero(np.abs(found) > _MEANT)), made.reshape(wanted.shape)


def equal_neighbours(run: Run) -> EqualNeighbours | None:
    """Those of a run's variable; None where there are none, too many, or where the total variation has no such step."""
    if run.tv_slopes is None or run.variant.flat_chw:
        return None
    pixels = np.asarray(run.value("pixels"), np.float64)
    close = NEARLY_TIED * float(np.sqrt(np.mean(pixels**2)))
    places = np.arange(pixels.size).reshape(pixels.shape)
    found = [_along(axis, pixels, places, slopes, close) for axis, slopes in enumerate(run.tv_slopes)]
    one, other, slopes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return EqualNeighbours(one, other, slopes) if 0 < len(one) <= _MOST else None


def _along(axis: int, pixels: Array, places: Array, slopes: Array, close: float) -> tuple[Array, Array, Array]:
    count = pixels.shape[axis]
    one, other = (np.take(places, np.arange(count - 1) + end, axis) for end in (0, 1))
    tied = np.abs(np.diff(pixels, axis=axis)) < close
    return one[tied], other[tied], np.broadcast_to(slopes, tied.shape)[tied]
