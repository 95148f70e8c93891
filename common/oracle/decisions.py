"""Decisions that rounding can turn: the signs at ReLUs and the choices in max-pool windows."""

from dataclasses import dataclass

import numpy as np

from common.oracle.layers import decided_on, windows
from common.oracle.run import Run
from common.tensors import Array
from common.vgg19 import Layer, cut


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


def count_flips(ours: Run, theirs: Run) -> Flips:
    """Count the decisions that two runs take differently."""
    counts = {"relu": np.zeros(2, int), "pool": np.zeros(2, int)}
    for layer in deciding(theirs):
        differs = turned(layer, ours, theirs)
        counts[layer.kind] += np.count_nonzero(differs), differs.size
    return Flips(*counts["relu"].tolist(), *counts["pool"].tolist())


def deciding(run: Run) -> list[Layer]:
    """The layers down to the deepest tap that decide something; average pooling decides nothing."""
    max_pooled = run.variant.pooling(run.network.pooling) == "max"
    return [layer for layer in cut(run.taps) if layer.kind == "relu" or (layer.kind == "pool" and max_pooled)]


def turned(layer: Layer, ours: Run, theirs: Run) -> Array:
    """Which decisions of a layer two runs take differently, booleans of shape (h, w, C)."""
    one, other = (run.layer(decided_on(layer)) for run in (ours, theirs))
    if layer.kind == "relu":
        return np.asarray((one > 0) != (other > 0))
    return np.asarray(windows(one).argmax(axis=2) != windows(other).argmax(axis=2))
