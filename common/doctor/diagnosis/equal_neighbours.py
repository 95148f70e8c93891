"""Neighbours that are equal but for rounding: total variation's gradient takes the sign of their difference."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.linalg import lsmr

from common.doctor.diagnosis.near_ties import NEARLY_TIED
from common.doctor.reference import Run
from common.tensors import Array

_MOST = 100_000  # pairs, of which so many take seconds
_MEANT = 0.1  # of a slope: what is less has not been turned
_SLACK = 1.01
_MOST_ROUNDS, _SETTLED = 50, 1e-6


@dataclass(frozen=True, eq=False)
class EqualNeighbours:
    """Pairs of values of the variable by their places in it, flat, what a slope of 1 adds there, and the slope taken.

    |x| has every slope from -1 to 1 at 0: another implementation may take any of them, and both are right.
    """

    one: Array
    other: Array
    of_one: Array
    taken: Array

    @property
    def touched(self) -> Array:
        """The places that are in a pair."""
        return np.union1d(self.one, self.other)

    def turned(self, wanted: Array) -> tuple[int, Array]:
        """How many pairs take another slope, to come nearest to a difference of two gradients, and what that makes."""
        pairs, touched = np.arange(len(self.one)), self.touched
        rows = np.searchsorted(touched, np.concatenate([self.one, self.other]))
        signs = np.concatenate([-self.of_one, self.of_one])
        effects = coo_matrix((signs, (rows, np.tile(pairs, 2))), (len(touched), len(pairs))).tocsr()
        found = self._within_bounds(effects, wanted.ravel()[touched])
        made = np.zeros(wanted.size)
        made[touched] = effects @ found
        return int(np.count_nonzero(np.abs(found) > _MEANT)), made.reshape(wanted.shape)

    def _within_bounds(self, effects: csr_matrix, wanted: Array) -> Array:
        """The change of every slope, by projecting in turn onto what makes the difference and onto what is allowed."""
        found = np.zeros(len(self.one))
        for _ in range(_MOST_ROUNDS):
            better = found + lsmr(effects, wanted - effects @ found, atol=1e-15, btol=1e-15)[0]
            better = np.clip(better, -_SLACK - self.taken, _SLACK - self.taken)
            settled = np.max(np.abs(better - found)) < _SETTLED
            found = better
            if settled:
                break
        return found


def equal_neighbours(run: Run) -> EqualNeighbours | None:
    """Those of a run's variable; None where there are none, too many, or where the total variation has no such step."""
    if run.tv_slopes is None or run.variant.flat_chw:
        return None
    pixels = np.asarray(run.value("pixels"), np.float64)
    close = NEARLY_TIED * float(np.sqrt(np.mean(pixels**2)))
    places = np.arange(pixels.size).reshape(pixels.shape)
    found = [_along(axis, pixels, places, slopes, close) for axis, slopes in enumerate(run.tv_slopes)]
    one, other, of_one, taken = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return EqualNeighbours(one, other, of_one, taken) if 0 < len(one) <= _MOST else None


def _along(axis: int, pixels: Array, places: Array, slopes: Array, close: float) -> tuple[Array, ...]:
    count = pixels.shape[axis]
    one, other = (np.take(places, np.arange(count - 1) + end, axis) for end in (0, 1))
    steps = np.diff(pixels, axis=axis)
    tied = np.abs(steps) <= close
    return one[tied], other[tied], np.broadcast_to(slopes, tied.shape)[tied], np.sign(steps[tied])
