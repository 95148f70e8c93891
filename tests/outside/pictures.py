"""Reading, resizing and saving pictures, the same for both ports."""

import numpy as np
from PIL import Image


class Pictures:
    """RGB in [0, 1], (height, width, 3)."""

    def decode(self, picture):
        """8-bit values as RGB in [0, 1]."""
        return np.asarray(picture, np.float64) / 255

    def resize(self, rgb, height, width):
        """Antialiased Lanczos."""
        planes = [Image.fromarray(rgb[..., c].astype(np.float32)) for c in range(3)]
        return np.stack([np.asarray(p.resize((width, height), Image.Resampling.LANCZOS)) for p in planes], -1)

    def resized(self, rgb, height, width):
        """The picture at the size of the run, within [0, 1]."""
        return np.clip(self.resize(rgb, height, width), 0, 1)

    def save(self, rgb):
        return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
