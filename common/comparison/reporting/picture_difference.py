"""How far apart two pictures are, to the eye and in numbers."""

from dataclasses import dataclass

import matplotlib
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from common.images import Image

# A difference of half the range is as bright as the heat map gets; larger ones are rare and need no shade of their own.
HEAT_MAP_FULL = 0.5
_SSIM_WINDOW = 7


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
