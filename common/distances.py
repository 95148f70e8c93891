"""How far two numbers, two arrays, or two directions are apart."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
_TINY = float(np.finfo(np.float64).tiny)


def relative(ours: float, theirs: float, floor: float = 0.0) -> float:
    """The difference relative to the second number, or to `floor` if that is larger; two zeros do not differ."""
    return 0.0 if ours == theirs else abs(ours - theirs) / max(abs(theirs), floor, _TINY)


def relative_l2(ours: Array, theirs: Array) -> float:
    """The relative L2 difference of two arrays, in float64."""
    difference, norm = np.linalg.norm(ours.astype(np.float64) - theirs), np.linalg.norm(theirs.astype(np.float64))
    return float(difference) / max(float(norm), _TINY)


def best_factor(ours: Array, theirs: Array) -> tuple[float, float]:
    """The factor of the second array that comes nearest to the first, and the relative L2 difference that it leaves."""
    square = float(np.sum(theirs.astype(np.float64) ** 2))
    factor = float(np.sum(ours * theirs)) / square if square else 0.0
    return factor, relative_l2(factor * theirs, ours)


def cosine_gap(ours: Array, theirs: Array) -> float:
    """One minus the cosine of two arrays taken as vectors, from half the squared distance of their directions."""
    arrays = [array.astype(np.float64) for array in (ours, theirs)]
    one, other = (array / (np.linalg.norm(array) or 1.0) for array in arrays)
    return float(np.sum((one - other) ** 2) / 2)
