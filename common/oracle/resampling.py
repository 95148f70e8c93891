"""The filters with which libraries resize, each as the weights of the old samples in every new one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from common.oracle.kernels import (
    Kernel,
    b_spline,
    box,
    cubic,
    gaussian,
    hamming,
    lanczos,
    magic_2013,
    magic_2021,
    mitchell,
    triangle,
)
from common.tensors import Array

Edge = Literal["left out", "repeated", "mirrored"]
Placing = Literal["centres", "corners", "origin"]
Weights = Callable[[int, int], Array]  # of (old size, new size): shape (new, old), every row sums to 1

_TIE = 1e-9  # of a sample: less is rounding
_TABLE = 1024  # TensorFlow looks a cubic kernel up by the 1024th of a pixel


@dataclass(frozen=True)
class Sampled:
    """A kernel, its radius in samples, and where it is laid.

    An antialiased kernel is as wide as the samples that it replaces. What a kernel has outside the picture is left out,
    or the picture goes on there. `from_table` is TensorFlow's float32 and lookup of the kernel.
    """

    kernel: Kernel
    radius: float
    antialiased: bool = True
    placing: Placing = "centres"
    edge: Edge = "left out"
    from_table: bool = False

    def __call__(self, old: int, new: int) -> Array:
        """The weights, shape (new, old)."""
        places, stretch = self._places(old, new), max(old / new, 1.0) if self.antialiased else 1.0
        reach = int(np.ceil(self.radius * stretch)) + 1
        taps = np.floor(places).astype(int)[:, None] + np.arange(-reach, reach + 1)
        weights = self.kernel((taps - places[:, None]) / stretch)
        if self.edge == "left out":
            weights = np.where((taps >= 0) & (taps < old), weights, 0)
        taps = _mirrored(taps, old) if self.edge == "mirrored" else np.clip(taps, 0, old - 1)
        matrix = np.zeros((new, old))
        np.add.at(matrix, (np.arange(new)[:, None], taps), weights)
        return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))

    def _places(self, old: int, new: int) -> Array:
        """Where in the old picture each new sample lies, in its pixels."""
        number: Any = np.float32 if self.from_table else np.float64
        steps = np.arange(new, dtype=number)
        if self.placing == "centres":
            places = (steps + number(0.5)) * number(old / new) - number(0.5)
        else:
            places = steps * number((old - 1) / max(new - 1, 1) if self.placing == "corners" else old / new)
        if not self.from_table:
            return np.asarray(places)
        below = np.floor(places).astype(np.float64)
        return np.asarray(below + np.rint((places - below) * _TABLE) / _TABLE)


def _mirrored(index: Array, size: int) -> Array:
    """Indices that turn back at the first and at the last sample."""
    last = max(size - 1, 1)
    return np.asarray(np.minimum(np.abs((index + last) % (2 * last) - last), size - 1))


def _nearest(old: int, new: int) -> Array:
    return np.asarray(np.eye(old)[np.floor(np.arange(new) * old / new + _TIE).astype(int)])


def _nearest_by_corners(old: int, new: int) -> Array:
    return np.asarray(np.eye(old)[np.floor(np.arange(new) * (old - 1) / max(new - 1, 1) + 0.5 + _TIE).astype(int)])


def _area(old: int, new: int) -> Array:
    """The mean over the part of the old picture that a new sample covers, parts of pixels by their part."""
    edges, pixels = np.arange(new + 1) * old / new, np.arange(old)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.maximum(covered, 0) * new / old)


def _whole_pixels(old: int, new: int) -> Array:
    """The mean over every pixel that a new sample touches."""
    touched = (_area(old, new) > _TIE).astype(np.float64)
    return np.asarray(touched / touched.sum(axis=1, keepdims=True))


def _spline(old: int, new: int) -> Array:
    """The cubic spline through the samples, first to first and last to last."""
    from scipy.linalg import solve_banded  # here, since SciPy takes long to import

    laid = Sampled(b_spline, 2, False, "corners", "mirrored")(old, new)
    # Its coefficients c are those with c[i - 1] / 6 + 4 c[i] / 6 + c[i + 1] / 6 equal to sample i.
    bands = np.array([[1], [4], [1]]) / 6 * np.ones(old)
    bands[0, -1] = bands[2, 0] = 2 / 6
    return np.asarray(solve_banded((1, 1), bands, laid.T).T)


def _smoothed(old: int, new: int) -> Array:
    """Bilinear interpolation of what a Gaussian has smoothed, as far as the picture shrinks."""
    laid = Sampled(triangle, 1, False, edge="mirrored")(old, new)
    if old <= new:
        return laid
    deviation = (old / new - 1) / 2
    reach = np.arange(-int(4 * deviation + 0.5), int(4 * deviation + 0.5) + 1)
    weights = np.exp(-((reach / deviation) ** 2) / 2)
    used = np.flatnonzero(laid.any(axis=0))
    smooth = np.zeros((len(used), old))
    np.add.at(smooth, (np.arange(len(used))[:, None], _mirrored(used[:, None] + reach, old)), weights / weights.sum())
    return np.asarray(laid[:, used] @ smooth)


@dataclass(frozen=True)
class Filter:
    """The weights of a filter, and the functions of libraries that resize by them in floating point."""

    weights: Weights
    used_by: tuple[str, ...] = ()


def _plain(kernel: Kernel, radius: float, placing: Placing = "centres") -> Sampled:
    """What OpenCV and PyTorch do: no antialiasing, and the edge repeated."""
    return Sampled(kernel, radius, False, placing, "repeated")


def _looked_up(a: float, placing: Placing, edge: Edge) -> Sampled:
    return Sampled(cubic(a), 2, False, placing, edge, from_table=True)


_TF, _TF1 = "tf.image.resize", "tf.compat.v1.image.resize"
_TORCH = "PyTorch's interpolate"
# A filter is antialiased and has half-pixel centres where nothing else is said.
_COMMON = {
    "lanczos": Filter(Sampled(lanczos(3), 3), ("Pillow's LANCZOS", f"{_TF} 'lanczos3' with antialias")),
    "bicubic": Filter(
        Sampled(cubic(-0.5), 2),
        ("Pillow's BICUBIC", f"{_TORCH} 'bicubic' with antialias", f"{_TF} 'bicubic' with antialias"),
    ),
    "bilinear": Filter(
        Sampled(triangle, 1),
        ("Pillow's BILINEAR", f"{_TORCH} 'bilinear' with antialias", f"{_TF} 'bilinear' with antialias"),
    ),
    "box": Filter(Sampled(box, 0.5), ("Pillow's BOX",)),
    "area": Filter(_area, ("OpenCV's INTER_AREA and MXNet's interp=3 to a smaller size", f"{_TF} 'area'")),
    "area of whole pixels": Filter(_whole_pixels, (f"{_TORCH} 'area'", "adaptive_avg_pool2d")),
    "nearest": Filter(_plain(box, 0.5), ("Pillow's NEAREST", f"{_TORCH} 'nearest-exact'", f"{_TF} 'nearest'")),
    "nearest, from the corner": Filter(
        _nearest, ("OpenCV's INTER_NEAREST", "MXNet's interp=0", f"{_TORCH} 'nearest'", f"{_TF1} 'nearest'")
    ),
    "bilinear, not antialiased": Filter(
        _plain(triangle, 1), ("OpenCV's INTER_LINEAR", "MXNet's interp=1", f"{_TORCH} 'bilinear'", f"{_TF} 'bilinear'")
    ),
    "bilinear, from the corner": Filter(_plain(triangle, 1, "origin"), (f"{_TF1} 'bilinear'",)),
    "bilinear, corners aligned": Filter(
        _plain(triangle, 1, "corners"),
        (
            f"{_TORCH} 'bilinear' with align_corners",
            f"{_TF1} 'bilinear' with align_corners",
            "scipy.ndimage.zoom of order 1",
        ),
    ),
    "bicubic (a = -0.75), not antialiased": Filter(
        _plain(cubic(-0.75), 2), ("OpenCV's INTER_CUBIC", "MXNet's interp=2", f"{_TORCH} 'bicubic'")
    ),
    "bicubic (a = -0.5), not antialiased, from a table": Filter(
        _looked_up(-0.5, "centres", "left out"), (f"{_TF} 'bicubic'",)
    ),
}
_TENSORFLOWS: dict[str, tuple[Kernel, float]] = {
    "lanczos3": (lanczos(3), 3),
    "lanczos5": (lanczos(5), 5),
    "mitchellcubic": (mitchell, 2),
    "gaussian": (gaussian, 1.5),
}
_RARE = {
    "hamming": Filter(Sampled(hamming, 1), ("Pillow's HAMMING",)),
    "mks2013": Filter(Sampled(magic_2013, 2.5), ("Pillow's MKS2013",)),
    "mks2021": Filter(Sampled(magic_2021, 4.5), ("Pillow's MKS2021",)),
    "nearest, corners aligned": Filter(_nearest_by_corners, (f"{_TF1} 'nearest' with align_corners",)),
    "bicubic (a = -0.75)": Filter(Sampled(cubic(-0.75), 2)),
    "bicubic (a = -0.75), corners aligned": Filter(
        _plain(cubic(-0.75), 2, "corners"), (f"{_TORCH} 'bicubic' with align_corners",)
    ),
    "bicubic (a = -0.75), from the corner, from a table": Filter(
        _looked_up(-0.75, "origin", "repeated"), (f"{_TF1} 'bicubic'",)
    ),
    "bicubic (a = -0.75), corners aligned, from a table": Filter(
        _looked_up(-0.75, "corners", "repeated"), (f"{_TF1} 'bicubic' with align_corners",)
    ),
    "bicubic (a = -0.5), not antialiased": Filter(
        Sampled(cubic(-0.5), 2, False), ("jax.image.resize 'cubic' without antialias",)
    ),
    "bicubic (a = -0.5), not antialiased, the edge repeated": Filter(_plain(cubic(-0.5), 2)),
    "lanczos of 8 samples, not antialiased": Filter(
        _plain(lanczos(4), 4), ("OpenCV's INTER_LANCZOS4", "MXNet's interp=4")
    ),
    "cubic spline, corners aligned": Filter(_spline, ("scipy.ndimage.zoom of order 3",)),
    "bilinear, of a smoothed picture": Filter(_smoothed, ("skimage.transform.resize",)),
    **{
        f"{name}, not antialiased": Filter(Sampled(kernel, radius, False), (f"{_TF} '{name}'",))
        for name, (kernel, radius) in _TENSORFLOWS.items()
    },
    **{
        name: Filter(Sampled(kernel, radius), (f"{_TF} '{name}' with antialias",))
        for name, (kernel, radius) in _TENSORFLOWS.items()
        if name != "lanczos3"
    },
}
FILTERS = {**_COMMON, **_RARE}
COMMON = tuple(_COMMON)


def described(name: str) -> str:
    """A filter by name, with the functions of libraries that resize by it."""
    used_by = FILTERS[name].used_by
    return f"{name} ({', '.join(used_by)})" if used_by else name


@lru_cache(maxsize=256)
def weights(name: str, old: int, new: int) -> Array:
    """The weights of a filter by name, shape (new, old)."""
    return FILTERS[name].weights(old, new)


def resample(image: Array, height_px: int, width_px: int, name: str) -> Array:
    """Resize to (height_px, width_px, C) by a named filter, in float64 and not clipped."""
    height, width = image.shape[:2]
    return weighted(weighted(image, weights(name, height, height_px), 0), weights(name, width, width_px), 1)


def weighted(image: Array, matrix: Array, axis: int) -> Array:
    """An image with one axis of the samples that the rows of a matrix weight."""
    used = np.flatnonzero(matrix.any(axis=0))  # few of a large picture, if nothing is antialiased
    samples = image if used.size == image.shape[axis] else np.take(image, used, axis)
    product = np.tensordot(matrix[:, used], samples.astype(np.float64, copy=False), (1, axis))
    return np.asarray(np.moveaxis(product, 0, axis))
