"""The Gram matrix, its gradient, and its normalisations, in float64 NumPy on (H, W, C)."""

import numpy as np

from common.oracle.faults import Array, GramNorm


def gram(feature: Array, of_positions: bool = False) -> Array:
    """The mean Gram matrix (C, C) of a feature map: F^T F / M. Of positions, F F^T / M of shape (M, M)."""
    flat = feature.reshape(-1, feature.shape[-1]).astype(np.float64)
    product = flat @ flat.T if of_positions else flat.T @ flat
    return np.asarray(product / len(flat))


def gram_gradient(feature: Array, difference: Array, of_positions: bool = False) -> Array:
    """The gradient of sum((K - T)^2) with respect to the feature map, given the difference K - T."""
    flat = feature.reshape(-1, feature.shape[-1])
    both = difference + difference.T
    spread = both @ flat if of_positions else flat @ both
    return np.asarray(2 / len(flat) * spread.reshape(feature.shape))


def norm_scale(norm: GramNorm, shape: tuple[int, ...]) -> float:
    """What a normalisation makes of the mean Gram matrix of a feature map of some shape."""
    height, width, channels = shape
    positions = height * width
    return {"M": 1.0, "none": float(positions), "M C": 1 / channels, "C": positions / channels}[norm]
