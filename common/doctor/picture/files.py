"""What saving does to a picture: its values are clipped and rounded, and a JPEG's are compressed."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import JpegImagePlugin

from common.images import Image, to_bytes

Saved = Callable[[Image], Image]  # RGB in [0, 1] to what is read from its file


def as_bytes(image: Image) -> Image:
    """An image as a file without loss keeps it: clipped, and rounded to 8 bits."""
    return (to_bytes(image) / np.float32(255)).astype(np.float32)


def saving_like(path: Path) -> Saved | None:
    """What a file of the same format does to an image; None where its losses are not known, as with WebP.

    A JPEG's own quantization tables and subsampling are taken.
    """
    with open(path, "rb") as stream, Pillow.open(stream) as file:
        if file.format != "JPEG" or not isinstance(file, JpegImagePlugin.JpegImageFile):
            return None if file.format == "WEBP" else as_bytes
        tables, sampling = file.quantization, JpegImagePlugin.get_sampling(file)

    def through_jpeg(image: Image) -> Image:
        compressed = io.BytesIO()
        how = {"qtables": tables, "subsampling": sampling if sampling >= 0 else 0}
        Pillow.fromarray(to_bytes(image)).save(compressed, "JPEG", **how)
        with Pillow.open(compressed) as read:
            return np.asarray(read.convert("RGB"), np.float32) / np.float32(255)

    return through_jpeg
