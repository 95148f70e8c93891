"""The arithmetics with fewer bits than float32, by rounding to nearest (ties to even)."""

import numpy as np

from common.oracle.faults import Arithmetic, Array

# float32 has 23 bits after the point; TF32 keeps 10 of them, bfloat16 7.
_DROPPED_BITS: dict[Arithmetic, int] = {"tf32": 13, "bfloat16": 16}


def rounded(values: Array, arithmetic: Arithmetic) -> Array:
    """The values as an arithmetic can hold them; `exact` changes nothing."""
    if arithmetic == "exact":
        return values
    if arithmetic == "float16":
        with np.errstate(over="ignore"):  # beyond 65504 it is infinite there, too
            return values.astype(np.float32).astype(np.float16).astype(np.float64)
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    dropped = _DROPPED_BITS[arithmetic]
    last_kept = (bits >> np.uint32(dropped)) & np.uint32(1)
    nearest = bits + np.uint32((1 << (dropped - 1)) - 1) + last_kept
    return (nearest & np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)).view(np.float32).astype(np.float64)
