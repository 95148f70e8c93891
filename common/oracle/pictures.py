"""From a file to RGB of the right size, as a variant does it."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from common.images import Image, resize, to_bytes
from common.oracle.resampling import resample
from common.oracle.variant import Orientation, Saved, Variant
from common.tensors import Array

PILLOWS = {name.lower(): filter_ for name, filter_ in Pillow.Resampling.__members__.items()}
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
    if variant.eight_bits and variant.filter in PILLOWS:
        return resized_by_pillow(to_bytes(image), height_px, width_px, variant.filter)
    if variant.filter == "lanczos":
        return resize(np.asarray(image, np.float32), height_px, width_px)
    clipped = np.clip(resample(image, height_px, width_px, variant.filter), 0, 1)
    return np.rint(clipped * 255) / 255 if variant.eight_bits else clipped


def resized_by_pillow(levels: Array, height_px: int, width_px: int, name: str, gap: float | None = None) -> Array:
    """What Pillow makes of 8-bit values by a filter of `PILLOWS`, in [0, 1]; `gap` is its reducing_gap."""
    picture = Pillow.fromarray(levels)
    return np.asarray(picture.resize((width_px, height_px), PILLOWS[name], reducing_gap=gap)) / 255


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
