"""How far apart two pictures are, to the eye and in numbers, and one PNG of labelled pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from common.images import Image, to_bytes
from common.writing import replacing

# A difference of half the range is as bright as the heat map gets; larger ones are rare and need no shade of their own.
HEAT_MAP_FULL = 0.5
_SSIM_WINDOW, _GAP_PX, _LABEL_PX = 7, 8, 22


@dataclass(frozen=True, eq=False)
class PictureDifference:
    """Peak signal-to-noise ratio in decibels (None for equal pictures), SSIM, and the difference as a heat map."""

    psnr_db: float | None
    ssim: float | None
    heat_map: Image


def compare_pictures(one: Image, other: Image) -> PictureDifference:
    """Compare two pictures of one shape, RGB in [0, 1]; SSIM is None where they are smaller than its window."""
    difference = np.abs(one - other).mean(axis=2)
    exact = (one.astype(np.float64), other.astype(np.float64))  # squares of small differences vanish in float32
    psnr_db = None if not difference.any() else float(peak_signal_noise_ratio(*exact, data_range=1))
    large = min(one.shape[:2]) >= _SSIM_WINDOW
    ssim = float(structural_similarity(one, other, data_range=1, channel_axis=2)) if large else None
    heat_map = matplotlib.colormaps["magma"](np.clip(difference / HEAT_MAP_FULL, 0, 1))[..., :3]
    return PictureDifference(psnr_db, ssim, heat_map.astype(np.float32))


def save_grid(path: Path, rows: Sequence[Sequence[tuple[str, Image] | None]]) -> None:
    """Write rows of labelled pictures, RGB in [0, 1]; each cell is as large as the largest picture, None is empty."""
    cells = [cell for row in rows for cell in row if cell is not None]
    pictures = [image for _, image in cells]
    height = max(image.shape[0] for image in pictures) + _LABEL_PX + _GAP_PX
    font = ImageFont.load_default(14)
    widest_label_px = max(int(font.getlength(label)) for label, _ in cells)
    width = max(widest_label_px, *(image.shape[1] for image in pictures)) + _GAP_PX
    sheet = Pillow.new("RGB", (width * max(map(len, rows)) + _GAP_PX, height * len(rows) + _GAP_PX), "white")
    for row_number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                (label, image), left, top = cell, column * width + _GAP_PX, row_number * height + _GAP_PX
                sheet.paste(Pillow.fromarray(np.ascontiguousarray(to_bytes(image))), (left, top + _LABEL_PX))
                ImageDraw.Draw(sheet).text((left, top), label, fill="black", font=font)
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")
