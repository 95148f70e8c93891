"""Small pictures for a first look at a port."""

from functools import cache

import numpy as np


def smooth(generator, height, width):
    """A picture with structure: a coarse random one, enlarged, with some noise."""
    coarse = generator.random((height // 4 + 1, width // 4 + 1, 3))
    large = coarse.repeat(4, 0).repeat(4, 1)[:height, :width]
    return 0.8 * large + 0.2 * generator.random((height, width, 3))


@cache
def pictures(height=19, width=22):
    """Content, style and image, in float32, and two 8-bit pictures to be resized."""
    generator = np.random.default_rng(7)
    small = tuple(smooth(generator, height, width).astype(np.float32) for _ in range(3))
    large = (smooth(generator, 60, 91), smooth(generator, 80, 80))
    return *small, tuple(np.rint(np.clip(1.6 * picture - 0.3, 0, 1) * 255).astype(np.uint8) for picture in large)
