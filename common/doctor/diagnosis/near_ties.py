"""Near ties: values that rounding may take either way at a ReLU or in a max-pool window."""

from dataclasses import dataclass

import numpy as np

from common.doctor.reference import Run, below, deciding_layers
from common.oracle import windows
from common.tensors import Array
from common.vgg19 import Layer

# float32 keeps 24 bits, and a layer sums thousands of products: what is closer than this to a tie may fall either way.
NEARLY_TIED = 2e-6


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
