"""Near ties: values that rounding may take either way, at a ReLU, in a max-pool window, or in |x| of neighbours."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.linalg import lsmr

from common.doctor.reference import Run, below, deciding_layers
from common.oracle import windows
from common.tensors import Array
from common.vgg19 import Layer

# float32 keeps 24 bits, and a layer sums thousands of products: what is closer than this to a tie may fall either way.
NEARLY_TIED = 2e-6

_MOST = 100_000  # pairs, of which so many take seconds
_MEANT = 0.1  # of a slope: what is less has not been turned
_SLACK = 1.01
_MOST_ROUNDS, _SETTLED = 50, 1e-6


@dataclass(frozen=True, eq=False)
class NearTie:
    """A near tie: the layer whose output is changed so little that only the decision turns, and the output."""

    words: str
    below: str
    features: Array


def deciding(run: Run) -> list[Layer]:
    """The layers that decide something, with the pooling that the run has."""
    recipe = run.case.problem.recipe
    is_max = (recipe.pooling == "max") != run.variant.other_pooling
    return deciding_layers(recipe.taps, "max" if is_max else "average")


def near_ties(run: Run) -> list[NearTie]:
    """Every near tie of the reference at the image."""
    found: list[NearTie] = []
    for layer in deciding(run):
        values = np.asarray(run.layer(below(layer)), np.float64)
        close = NEARLY_TIED * float(np.sqrt(np.mean(values**2)))
        found += (_relu_ties if layer.kind == "relu" else _pool_ties)(layer, values, close)
    return found


def _relu_ties(layer: Layer, values: Array, close: float) -> list[NearTie]:
    ties = []
    for row, column, channel in np.argwhere(np.abs(values) < close):
        other = values.copy()
        other[row, column, channel] = -1e-30 if values[row, column, channel] > 0 else 1e-30
        ties.append(NearTie(in_words(layer, row, column, channel), below(layer), other))
    return ties


def _pool_ties(layer: Layer, values: Array, close: float) -> list[NearTie]:
    ties = []
    blocks = windows(values)
    order = np.argsort(blocks, axis=2)
    best, second = (np.take_along_axis(blocks, order[:, :, at : at + 1], axis=2)[:, :, 0] for at in (3, 2))
    for row, column, channel in np.argwhere((best - second < close) & (best > 0) & (best != second)):
        place = int(order[row, column, 2, channel])
        other = values.copy()
        other[2 * row + place // 2, 2 * column + place % 2, channel] = np.nextafter(best[row, column, channel], np.inf)
        ties.append(NearTie(in_words(layer, row, column, channel), below(layer), other))
    return ties


def in_words(layer: Layer, row: int, column: int, channel: int) -> str:
    """Which decision it is."""
    what = "sign at" if layer.kind == "relu" else "window of"
    return f"the {what} {layer.name}, row {row}, column {column}, channel {channel}"


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
