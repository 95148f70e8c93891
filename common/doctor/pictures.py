"""From a file to RGB of the right size as a variant does it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from common.doctor.arrays import Array
from common.doctor.resampling import resample
from common.doctor.variant import Orientation, Saved, Variant
from common.images import Image, load_image, resize, to_bytes

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
        values: Array = self.decoded
        if self.path is not None:
            values = _read_otherwise(self.path, variant, values)
        quarters, mirrored = _TURNS[variant.orientation]
        turned = np.rot90(values, quarters)
        return turned[:, ::-1] if mirrored else turned


def resized_by(image: Array, height_px: int, width_px: int, variant: Variant) -> Array:
    """What a variant makes of a picture, shape (height_px, width_px, 3)."""
    if variant.filter == "lanczos":
        resized: Array = resize(np.asarray(image, np.float32), height_px, width_px)
    else:
        resized = resample(image, height_px, width_px, variant.filter)
    clipped = np.clip(resized, 0, 1)
    return np.rint(clipped * 255) / 255 if variant.eight_bits else clipped


def saved_bytes(image: Array, how: Saved) -> Array:
    """The 8-bit values that a variant writes for RGB in [0, 1]."""
    if "stretched" in how:
        image = (image - image.min()) / max(float(image.max() - image.min()), 1e-12)
    if "truncated" in how:
        return (np.clip(image, 0, 1) * 255).astype(np.uint8)
    return to_bytes(image)


def _read_otherwise(path: Path, variant: Variant, right: Array) -> Array:
    if variant.palette_indices and (indices := _indices(path)) is not None:
        return indices
    if variant.transparency == "over white" or (layers := _with_alpha(path)) is None:
        return right
    colours, alpha = layers
    return colours * alpha if variant.transparency == "over black" else colours


@lru_cache(maxsize=4)
def _with_alpha(path: Path) -> tuple[Image, Image] | None:
    with Pillow.open(path) as file:
        if not file.has_transparency_data:
            return None
        values = np.asarray(file.convert("RGBA"), np.float32) / np.float32(255)
    return values[..., :3], values[..., 3:]


@lru_cache(maxsize=4)
def _indices(path: Path) -> Image | None:
    with Pillow.open(path) as file:
        if file.mode != "P":
            return None
        values = np.asarray(file, np.float32) / np.float32(255)
    return np.repeat(values[..., None], 3, axis=2)


def read_picture(path: Path) -> Picture:
    """Decode a file as the reference does; RosettaError for what cannot be read."""
    return Picture(load_image(path), path)
