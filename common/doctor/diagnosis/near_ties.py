"""Near ties: values that rounding may take either way, at a ReLU, in a max-pool window, or in |x| of neighbours."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.linalg import lsmr

from common.oracle import Run, below, deciding_layers, tv_slopes, windows
from common.tensors import Array
from common.vgg19 import Layer

# float32 keeps 24 bits, and a layer sums thousands of products: what is closer than this to a tie may fall either way.
NEARLY_TIED = 2e-6

_MOST_PAIRS = 100_000  # more take too long to fit
_LEAST_CHANGE = 0.1  # of a slope; a smaller one is rounding
_SLACK = 1.01
_MOST_ROUNDS, _SETTLED = 50, 1e-6


@dataclass(frozen=True, eq=False)
class NearTie:
    """A decision that rounding may turn: `features` is the output of the layer `below`, changed enough to turn."""

    words: str
    below: str
    features: Array


def deciding(run: Run) -> list[Layer]:
    """The layers that decide something, with the pooling that the run has."""
    return deciding_layers(run.taps, run.variant.pooling(run.network.pooling))


def near_ties(run: Run) -> list[NearTie]:
    """Every near tie of the reference at the image."""
    ties: list[NearTie] = []
    for layer in deciding(run):
        values = np.asarray(run.layer(below(layer)), np.float64)
        close = NEARLY_TIED * float(np.sqrt(np.mean(values**2)))
        ties += (_relu_ties if layer.kind == "relu" else _pool_ties)(layer, values, close)
    return ties


def _relu_ties(layer: Layer, values: Array, close: float) -> list[NearTie]:
    ties = []
    for row, column, channel in np.argwhere(np.abs(values) < close):
        features = values.copy()
        features[row, column, channel] = -1e-30 if values[row, column, channel] > 0 else 1e-30
        ties.append(NearTie(in_words(layer, row, column, channel), below(layer), features))
    return ties


def _pool_ties(layer: Layer, values: Array, close: float) -> list[NearTie]:
    ties = []
    blocks = windows(values)
    order = np.argsort(blocks, axis=2)
    best, second = (np.take_along_axis(blocks, order[:, :, at : at + 1], axis=2)[:, :, 0] for at in (3, 2))
    for row, column, channel in np.argwhere((best - second < close) & (best > 0) & (best != second)):
        place = int(order[row, column, 2, channel])
        features = values.copy()
        winner = (2 * row + place // 2, 2 * column + place % 2, channel)
        features[winner] = np.nextafter(best[row, column, channel], np.inf)
        ties.append(NearTie(in_words(layer, row, column, channel), below(layer), features))
    return ties


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
        pairs, touched = np.arange(len(self.first)), self.touched
        rows = np.searchsorted(touched, np.concatenate([self.first, self.second]))
        signs = np.concatenate([-self.gradient, self.gradient])
        effects = coo_matrix((signs, (rows, np.tile(pairs, 2))), (len(touched), len(pairs))).tocsr()
        changes = self._within_bounds(effects, wanted.ravel()[touched])
        added = np.zeros(wanted.size)
        added[touched] = effects @ changes
        return int(np.count_nonzero(np.abs(changes) > _LEAST_CHANGE)), added.reshape(wanted.shape)

    def _within_bounds(self, effects: csr_matrix, wanted: Array) -> Array:
        """The change of every slope: alternating projections onto least squares and onto slopes from -1 to 1."""
        changes = np.zeros(len(self.first))
        for _ in range(_MOST_ROUNDS):
            better = changes + lsmr(effects, wanted - effects @ changes, atol=1e-15, btol=1e-15)[0]
            better = np.clip(better, -_SLACK - self.slope, _SLACK - self.slope)
            settled = np.max(np.abs(better - changes)) < _SETTLED
            changes = better
            if settled:
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
    by_axis = [_along(axis, pixels, places, slope, close) for axis, slope in enumerate(slopes)]
    neighbours = EqualNeighbours(*(np.concatenate(parts) for parts in zip(*by_axis, strict=True)))
    return neighbours if 0 < len(neighbours.first) <= _MOST_PAIRS else None


def _along(axis: int, pixels: Array, places: Array, slope: Array, close: float) -> tuple[Array, ...]:
    count = pixels.shape[axis]
    first, second = (np.take(places, np.arange(count - 1) + end, axis) for end in (0, 1))
    steps = np.diff(pixels, axis=axis)
    tied = np.abs(steps) <= close
    return first[tied], second[tied], np.broadcast_to(slope, tied.shape)[tied], np.sign(steps[tied])
