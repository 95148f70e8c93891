"""The oracle's total variation and its gradient, in float64 NumPy on (H, W, 3)."""

import numpy as np
from numpy.typing import NDArray

from common.recipes import TotalVariation

Float64 = NDArray[np.float64]


def tv_loss(x: Float64, form: TotalVariation) -> float:
    """The total variation of an image in one of the recipes' forms, before its weight."""
    dy, dx = np.diff(x, axis=0), np.diff(x, axis=1)
    if form == "mean_abs":
        return float(0.5 * (np.abs(dy).mean() + np.abs(dx).mean()))
    if form == "sum_abs":
        return float(np.abs(dy).sum() + np.abs(dx).sum())
    if form == "power":
        return float(np.sum((dy[:, :-1] ** 2 + dx[:-1] ** 2) ** 1.25))
    return 0.0


def tv_gradient(x: Float64, form: TotalVariation) -> Float64:
    """The gradient of `tv_loss`; at a difference of 0 the absolute value and the power both give 0."""
    dy, dx = np.diff(x, axis=0), np.diff(x, axis=1)
    if form == "mean_abs":
        return _adjoint(x, 0.5 * np.sign(dy) / dy.size, 0.5 * np.sign(dx) / dx.size)
    if form == "sum_abs":
        return _adjoint(x, np.sign(dy), np.sign(dx))
    if form == "power":
        slope = 2.5 * (dy[:, :-1] ** 2 + dx[:-1] ** 2) ** 0.25
        at_dy, at_dx = np.zeros_like(dy), np.zeros_like(dx)
        at_dy[:, :-1], at_dx[:-1] = slope * dy[:, :-1], slope * dx[:-1]
        return _adjoint(x, at_dy, at_dx)
    return np.zeros_like(x)


def _adjoint(x: Float64, at_dy: Float64, at_dx: Float64) -> Float64:
    gradient = np.zeros_like(x)
    gradient[1:] += at_dy
    gradient[:-1] -= at_dy
    gradient[:, 1:] += at_dx
    gradient[:, :-1] -= at_dx
    return gradient
