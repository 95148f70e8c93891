"""Decisions that rounding can turn: the signs at ReLUs and the choices in max-pool windows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.oracle_layers import windows
from common.spec.recipe import Recipe
from common.spec.vgg19 import NAMES, cut

Trace = Mapping[str, NDArray[np.floating]]


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


def count_flips(ours: Trace, theirs: Trace, recipe: Recipe) -> Flips:
    """Count the decisions in which two traces of the same problem differ; average pooling decides nothing."""
    layers = cut(recipe.taps)
    relus = [layer.name for layer in layers if layer.kind == "relu"]
    pools = [layer.name for layer in layers if layer.kind == "pool" and recipe.pooling == "max"]
    signs = [(ours[name] > 0) != (theirs[name] > 0) for name in relus]
    choices = [_chosen(ours, pool) != _chosen(theirs, pool) for pool in pools]
    return Flips(_count(signs), sum(it.size for it in signs), _count(choices), sum(it.size for it in choices))


def _chosen(trace: Trace, pool: str) -> NDArray[np.intp]:
    chosen: NDArray[np.intp] = windows(trace[NAMES[NAMES.index(pool) - 1]]).argmax(axis=2)
    return chosen


def _count(differences: list[NDArray[np.bool_]]) -> int:
    return sum(int(np.count_nonzero(it)) for it in differences)
