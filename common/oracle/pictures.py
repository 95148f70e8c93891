"""From a file to RGB of the right size as a variant does it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from common.images import Image, load_image, resize, to_bytes
from common.oracle.resampling import resample
from common.oracle.variant import Orientation, Saved, Variant
from common.tensors import Array

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

_PILLOWS = {
    "lanczos": Pillow.Resampling.LANCZOS,
    "bicubic": Pillow.Resampling.BICUBIC,
    "bilinear": Pillow.Resampling.BILINEAR,
    "box": Pillow.Resampling.BOX,
    "nearest": Pillow.Resampling.NEAREST,
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
        turned = turned[:, ::-1] if mirrored else turned
        return turned[..., ::-1] if variant.bgr_decoded else turned


def resized_by(image: Array, height_px: int, width_px: int, variant: Variant) -> Array:
    """What a variant makes of a picture, shape (height_px, width_px, 3)."""
    if variant.eight_bits and variant.filter in _PILLOWS:
        picture = Pillow.fromarray(to_bytes(image)).resize((width_px, height_px), _PILLOWS[variant.filter])
        return np.asarray(picture) / 255
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
    if variant.palette_indices and (indices := _indices(path)) is not None:
        return indices
    if variant.transparency == "over white" or (layer := _with_alpha(path)) is None:
        return right
    if variant.transparency == "over black":
        layer = Pillow.alpha_composite(Pillow.new("RGBA", layer.size, "black"), layer)
    return np.asarray(layer.convert("RGB"), np.float32) / np.float32(255)


@lru_cache(maxsize=4)
def _with_alpha(path: Path) -> Pillow.Image | None:
    with Pillow.open(path) as file:
        return file.convert("RGBA") if file.has_transparency_data else None


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
