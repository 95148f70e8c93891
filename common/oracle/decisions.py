"""Decisions that rounding can turn: the signs at ReLUs and the choices in max-pool windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from common.oracle.layers import windows
from common.tensors import Array
from common.vgg19 import NAMES, Layer, Pooling, cut

LayerOutput = Callable[[str], Array]


@dataclass(frozen=True)
class Flips:
    """How many decisions two networks take differently, and how many decisions there are."""

    relu: int
    relu_decisions: int
    pool: int
    pool_decisions: int

    @property
    def any(self) -> bool:
        """Whether any decision differs."""
        return self.relu + self.pool > 0


def deciding_layers(taps: Sequence[str], pooling: Pooling) -> list[Layer]:
    """The layers down to the deepest tap that decide something; average pooling decides nothing."""
    return [layer for layer in cut(taps) if layer.kind == "relu" or (layer.kind == "pool" and pooling == "max")]


def decided_on(layer: Layer) -> str:
    """The layer whose output shows the decisions of a ReLU (its own) or a pool (that below)."""
    return below(layer) if layer.kind == "pool" else layer.name


def below(layer: Layer) -> str:
    """The layer before a layer."""
    return NAMES[NAMES.index(layer.name) - 1]


def turned(layer: Layer, ours: LayerOutput, theirs: LayerOutput) -> Array:
    """Which decisions of a layer two networks take differently, booleans of shape (h, w, C)."""
    name = decided_on(layer)
    return np.asarray(_decisions(layer, ours(name)) != _decisions(layer, theirs(name)))


def _decisions(layer: Layer, output: Array) -> Array:
    return np.asarray(output > 0) if layer.kind == "relu" else windows(output).argmax(axis=2)


def count_flips(layers: Sequence[Layer], ours: LayerOutput, theirs: LayerOutput) -> Flips:
    """Count the decisions that two networks take differently in some layers."""
    flipped, decisions = {"relu": 0, "pool": 0}, {"relu": 0, "pool": 0}
    for layer in layers:
        differs = turned(layer, ours, theirs)
        flipped[layer.kind] += int(np.count_nonzero(differs))
        decisions[layer.kind] += differs.size
    return Flips(flipped["relu"], decisions["relu"], flipped["pool"], decisions["pool"])
