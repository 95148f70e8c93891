"""Gram matrices and total variation with their gradients, in float64 NumPy on (H, W, C)."""

import numpy as np

from common.oracle.variant import GramNorm, TvForm
from common.tensors import Array


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


def tv_loss(x: Array, form: TvForm) -> float:
    """The total variation of an image, before its weight; the recipes' forms, and two with squares that are wrong."""
    dy, dx = np.diff(x, axis=0), np.diff(x, axis=1)
    if form == "mean_abs":
        return float(0.5 * (np.abs(dy).mean() + np.abs(dx).mean()))
    if form == "sum_abs":
        return float(np.abs(dy).sum() + np.abs(dx).sum())
    if form == "power":
        return float(np.sum((dy[:, :-1] ** 2 + dx[:-1] ** 2) ** 1.25))
    if form == "sum_squares":
        return float((dy**2).sum() + (dx**2).sum())
    if form == "mean_squares":
        return float((dy**2).mean() + (dx**2).mean())
    return 0.0


def tv_gradient(x: Array, form: TvForm) -> Array:
    """The gradient of `tv_loss`; at a difference of 0 the absolute value and the power both give 0."""
    dy, dx = np.diff(x, axis=0), np.diff(x, axis=1)
    if (slopes := abs_slopes(x.shape, form)) is not None:
        return _adjoint(x, slopes[0] * np.sign(dy), slopes[1] * np.sign(dx))
    if form == "power":
        slope = 2.5 * (dy[:, :-1] ** 2 + dx[:-1] ** 2) ** 0.25
        at_dy, at_dx = np.zeros_like(dy), np.zeros_like(dx)
        at_dy[:, :-1], at_dx[:-1] = slope * dy[:, :-1], slope * dx[:-1]
        return _adjoint(x, at_dy, at_dx)
    if form == "sum_squares":
        return _adjoint(x, 2 * dy, 2 * dx)
    if form == "mean_squares":
        return _adjoint(x, 2 * dy / dy.size, 2 * dx / dx.size)
    return np.zeros_like(x)


def abs_slopes(shape: tuple[int, ...], form: TvForm) -> tuple[float, float] | None:
    """The slope of `tv_loss` in the absolute difference of two neighbours, by axis; None for a form without."""
    height, width, channels = shape
    if form == "sum_abs":
        return 1.0, 1.0
    if form == "mean_abs":
        return 0.5 / ((height - 1) * width * channels), 0.5 / (height * (width - 1) * channels)
    return None


def _adjoint(x: Array, at_dy: Array, at_dx: Array) -> Array:
    """The gradient at an image, given that at its differences down and across."""
    gradient = np.zeros_like(x)
    gradient[1:] += at_dy
    gradient[:-1] -= at_dy
    gradient[:, 1:] += at_dx
    gradient[:, :-1] -= at_dx
    return gradient
