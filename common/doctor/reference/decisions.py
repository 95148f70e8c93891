"""Decisions that rounding can turn: the signs at ReLUs and the choices in max-pool windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from common.oracle import windows
from common.tensors import Array
from common.vgg19 import NAMES, Layer, Pooling, cut

LayerOutput = Callable[[str], Array]


@dataclass(frozen=True)
class Flips:
    """How many decisions were taken otherwise, and how many there were."""

    relu: int
    relu_decisions: int
    pool: int
    pool_decisions: int

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.relu + self.pool > 0


def deciding_layers(taps: Sequence[str], pooling: Pooling) -> list[Layer]:
    """The layers down to the deepest tap that decide something; average pooling decides nothing."""
    return [layer for layer in cut(taps) if layer.kind == "relu" or (layer.kind == "pool" and pooling == "max")]


def decided_on(layer: Layer) -> str:
    """The layer whose output shows the decisions: a ReLU's own, and that below a pool."""
    return layer.name if layer.kind == "relu" else below(layer)


def below(layer: Layer) -> str:
    """The layer before a layer."""
    return NAMES[NAMES.index(layer.name) - 1]


def turned(layer: Layer, ours: LayerOutput, theirs: LayerOutput) -> Array:
    """Which decisions of a layer two networks take otherwise, booleans of shape (h, w, C)."""
    one, other = (_decisions(layer, output(decided_on(layer))) for output in (ours, theirs))
    return np.asarray(one != other)


def _decisions(layer: Layer, output: Array) -> Array:
    return np.asarray(output > 0) if layer.kind == "relu" else windows(output).argmax(axis=2)


def count_flips(layers: Sequence[Layer], ours: LayerOutput, theirs: LayerOutput) -> Flips:
    """Count the decisions that two networks take otherwise in some layers."""
    found = [(layer.kind, turned(layer, ours, theirs)) for layer in layers]
    flipped = {kind: sum(int(np.count_nonzero(it)) for its, it in found if its == kind) for kind in ("relu", "pool")}
    there_are = {kind: sum(it.size for its, it in found if its == kind) for kind in ("relu", "pool")}
    return Flips(flipped["relu"], there_are["relu"], flipped["pool"], there_are["pool"])
