"""Kernels of interpolation, as functions of the distance in samples."""

from collections.abc import Callable
from math import pi

import numpy as np

from common.tensors import Array

Kernel = Callable[[Array], Array]

_TIE = 1e-9  # half-way is half-way, whatever the last bit says


def box(x: Array) -> Array:
    """1 within half a sample; half-way belongs to the sample on the right."""
    return np.asarray((x > -0.5 + _TIE) & (x <= 0.5 + _TIE), np.float64)


def triangle(x: Array) -> Array:
    """Linear interpolation."""
    return np.asarray(np.maximum(0, 1 - np.abs(x)))


def hamming(x: Array) -> Array:
    """One lobe of the sinc under a Hamming window."""
    return np.where(np.abs(x) < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(pi * x)), 0.0)


def cubic(a: float) -> Kernel:
    """Keys 1981, by its slope `a` at 1: -0.5 in Pillow and TensorFlow, -0.75 in PyTorch and OpenCV."""

    def kernel(x: Array) -> Array:
        x = np.abs(x)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = a * (((x - 5) * x + 8) * x - 4)
        return np.where(x < 1, near, np.where(x < 2, far, 0.0))

    return kernel


def b_spline(x: Array) -> Array:
    """The cubic B-spline."""
    x = np.abs(x)
    return np.where(x < 1, 2 / 3 - x * x + x**3 / 2, np.where(x < 2, (2 - x) ** 3 / 6, 0.0))


def mitchell(x: Array) -> Array:
    """Mitchell and Netravali 1988, with B = C = 1/3."""
    x = np.abs(x)
    near = ((7 * x - 12) * x * x + 16 / 3) / 6
    far = (((-7 / 3 * x + 12) * x - 20) * x + 32 / 3) / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def magic_2013(x: Array) -> Array:
    """Costella's Magic Kernel Sharp of 2013."""
    x = np.abs(x)
    parts = [17 / 16 - 7 / 4 * x * x, (x - 1) * (x - 7 / 4), -((x - 5 / 2) ** 2) / 8]
    return np.select([x <= 0.5, x <= 1.5, x <= 2.5], parts, 0.0)


def magic_2021(x: Array) -> Array:
    """Costella's Magic Kernel Sharp of 2021."""
    x = np.abs(x)
    parts = [
        577 / 576 - 239 / 144 * x * x,
        35 / 36 * (x - 1) * (x - 239 / 140),
        (x - 2) * (65 / 24 - x) / 6,
        (x - 3) * (x - 15 / 4) / 36,
        -((x - 9 / 2) ** 2) / 288,
    ]
    return np.select([x <= 0.5, x <= 1.5, x <= 2.5, x <= 3.5, x <= 4.5], parts, 0.0)


def gaussian(x: Array) -> Array:
    """A deviation of half a sample, cut off at 1.5."""
    return np.where(np.abs(x) < 1.5, np.exp(-2 * x * x), 0.0)


def lanczos(lobes: int) -> Kernel:
    """The sinc under the main lobe of another, which is as wide as a number of lobes."""
    return lambda x: np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0.0)
