"""From a file to RGB of the right size as a variant does it, and with the resizing of other libraries."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from common.images import Image, resize, to_bytes
from common.oracle.variant import Orientation, Saved, Variant
from common.tensors import Array

Kernel = Callable[[Array], Array]

_TIE = 1e-9  # half-way is half-way, whatever the last bit says
# The eight ways to lay a picture down; each but two is its own inverse.
_TURNS: dict[Orientation, tuple[int, bool]] = {
    "upright": (0, False),
    "turned left": (1, False),
    "upside down": (2, False),
    "turned right": (3, False),
    "mirrored": (0, True),
    "transposed": (1, True),
    "flipped": (2, True),
    "transversed": (3, True),
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was decoded, RGB in [0, 1], and its file where it is at hand."""

    decoded: Image
    path: Path | None = None

    def decoded_by(self, variant: Variant) -> Array:
        """What a variant reads from the file."""
        values = self.decoded if self.path is None else _read_otherwise(self.path, variant, self.decoded)
        quarters, mirrored = _TURNS[variant.orientation]
        turned = np.rot90(values, quarters)
        turned = turned[:, ::-1] if mirrored else turned
        return turned[..., ::-1] if variant.bgr_decoded else turned


def resized_by(image: Array, height_px: int, width_px: int, variant: Variant) -> Array:
    """What a variant makes of a picture, shape (height_px, width_px, 3)."""
    pillows = Pillow.Resampling.__members__.get(variant.filter.upper())
    if variant.eight_bits and pillows is not None:  # NEAREST is 0
        return np.asarray(Pillow.fromarray(to_bytes(image)).resize((width_px, height_px), pillows)) / 255
    if variant.filter == "lanczos":
        return resize(np.asarray(image, np.float32), height_px, width_px)
    clipped = np.clip(resample(image, height_px, width_px, variant.filter), 0, 1)
    return np.rint(clipped * 255) / 255 if variant.eight_bits else clipped


def saved_bytes(image: Array, how: Saved) -> Array:
    """The 8-bit values that a variant writes for RGB in [0, 1]."""
    if "stretched" in how:
        image = (image - image.min()) / max(float(image.max() - image.min()), 1e-12)
    if "truncated" in how:
        return (np.clip(image, 0, 1) * 255).astype(np.uint8)
    return to_bytes(image)


def _read_otherwise(path: Path, variant: Variant, right: Array) -> Array:
    if variant.palette_indices and (file := _opened(path)).mode == "P":
        return np.repeat((np.asarray(file, np.float32) / np.float32(255))[..., None], 3, axis=2)
    if variant.transparency == "over white" or not (file := _opened(path)).has_transparency_data:
        return right
    layer = file.convert("RGBA")
    if variant.transparency == "over black":
        layer = Pillow.alpha_composite(Pillow.new("RGBA", layer.size, "black"), layer)
    return np.asarray(layer.convert("RGB"), np.float32) / np.float32(255)


@lru_cache(maxsize=4)
def _opened(path: Path) -> Pillow.Image:
    with Pillow.open(path) as file:
        return file.copy()


def _triangle(x: Array) -> Array:
    return np.asarray(np.maximum(0, 1 - np.abs(x)))


def _cubic(a: float) -> Kernel:
    # Keys 1981; a = -0.5 in Pillow and TensorFlow, -0.75 in PyTorch and OpenCV.
    def kernel(x: Array) -> Array:
        x = np.abs(x)
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = a * (((x - 5) * x + 8) * x - 4)
        return np.where(x < 1, near, np.where(x < 2, far, 0.0))

    return kernel


def _box(x: Array) -> Array:
    return ((x > -0.5 + _TIE) & (x <= 0.5 + _TIE)).astype(np.float64)


# Name: kernel, its radius, antialiasing, and whether the samples' corners rather than their centres are aligned.
_FILTERS: dict[str, tuple[Kernel, float, bool, str]] = {
    "bicubic": (_cubic(-0.5), 2, True, "centres"),
    "bilinear": (_triangle, 1, True, "centres"),
    "box": (_box, 0.5, True, "centres"),
    "bicubic (PyTorch's)": (_cubic(-0.75), 2, True, "centres"),
    "bilinear, not antialiased": (_triangle, 1, False, "centres"),
    "bicubic, not antialiased": (_cubic(-0.5), 2, False, "centres"),
    "bicubic, not antialiased (PyTorch's)": (_cubic(-0.75), 2, False, "centres"),
    "bilinear, corners aligned": (_triangle, 1, False, "corners"),
    "bilinear, from the corner": (_triangle, 1, False, "origin"),
    "bicubic, not antialiased (TensorFlow's)": (_cubic(-0.5), 2, False, "table"),
    "nearest": (_box, 0.5, False, "centres"),
    "nearest, from the corner": (_box, 0.5, False, "floor"),
}
FILTERS = tuple(_FILTERS)


def resample(image: Array, height_px: int, width_px: int, name: str) -> Array:
    """Resize to (height_px, width_px, C) by a named filter, in float64 and not clipped."""
    rows, columns = (_matrix(old, new, name) for old, new in zip(image.shape[:2], (height_px, width_px), strict=True))
    across = np.tensordot(columns, image.astype(np.float64), (1, 1))  # (new width, height, C)
    return np.asarray(np.tensordot(rows, across, (1, 1)))


def _matrix(old: int, new: int, name: str) -> Array:
    kernel, radius, antialiased, placing = _FILTERS[name]
    places = _places(old, new, placing)
    stretch = max(old / new, 1.0) if antialiased else 1.0
    reach = int(np.ceil(radius * stretch)) + 1
    taps = np.floor(places).astype(int)[:, None] + np.arange(-reach, reach + 1)
    weights = kernel((taps - places[:, None]) / stretch)
    inside = (taps >= 0) & (taps < old)
    if antialiased or placing == "table":
        weights = np.where(inside, weights, 0)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], np.clip(taps, 0, old - 1)), weights)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True))


def _places(old: int, new: int, placing: str) -> Array:
    """Where in the old picture each new sample lies, in its pixels."""
    steps = np.arange(new, dtype=np.float64)
    if placing == "corners":
        return steps * (old - 1) / max(new - 1, 1)
    if placing == "origin":
        return steps * old / new
    if placing == "floor":
        return np.floor(steps * old / new)
    if placing == "table":  # TensorFlow computes in float32, and looks its kernel up by 1024ths of a pixel
        centres = (steps.astype(np.float32) + np.float32(0.5)) * np.float32(old / new) - np.float32(0.5)
        return np.asarray(np.floor(centres) + np.rint((centres - np.floor(centres)) * 1024) / 1024, np.float64)
    return (steps + 0.5) * old / new - 0.5
