"""Faults in Gram matrices, in the terms and in their sum."""

# ruff: noqa: ARG005

import numpy as np

from ..changes import after, scaled_gram, scaled_style
from ..faults import fault


@fault(
    "later-style-halved",
    port="torch",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="every style term has a factor 1/2 too many (tf.nn.l2_loss)",
    seen_in="https://github.com/microsoft/Deep3DFaceReconstruction/issues/147",
)
def _(p):
    scaled_style(p, lambda *_: 0.5)


@fault(
    "later-tv-height-twice",
    port="numpy",
    recipe="d2l",
    truth="both means of the total variation divide by 3 H (H - 1), as if the picture were H wide, "
    "instead of by the number of differences",
    seen_in="https://github.com/pkmital/CADL/issues/92",
)
def _(p):
    def tv(x):
        dy, dx, d = x[1:] - x[:-1], x[:, 1:] - x[:, :-1], np.zeros_like(x)
        k = 0.5 / (3 * x.shape[0] * (x.shape[0] - 1))
        d[1:] += k * np.sign(dy)
        d[:-1] -= k * np.sign(dy)
        d[:, 1:] += k * np.sign(dx)
        d[:, :-1] -= k * np.sign(dx)
        return k * (np.abs(dy).sum() + np.abs(dx).sum()), d

    p.tv = tv


@fault(
    "later-rows-summed-first",
    port="torch",
    recipe="gatys",
    hands_over="without features",
    truth="the difference of the Gram matrices is summed over its rows first, and the C sums are squared "
    "instead of the C^2 entries",
    seen_in="https://github.com/OlavHN/fast-neural-style/issues/7",
)
def _(p):
    def style_loss(f, target, style_positions, pixels):
        return p.style_k(f, style_positions, pixels) * (p.gram(f) - target).sum(0).square().sum()

    p.style_loss = style_loss


@fault(
    "later-height-for-width",
    port="numpy",
    recipe="keras-notebook",
    way="bundle",
    truth="the style terms have 1 / (36 (H H)^2) instead of 1 / (36 (H W)^2): the height is taken for the width too",
)
def _(p):
    after(p, "style_k", lambda out, shape, positions, pixels: out * (pixels[1] / pixels[0]) ** 2)


@fault(
    "later-tv-first-channel",
    port="torch",
    recipe="neural-style",
    truth="total variation is taken of the first channel (blue) alone",
)
def _(p):
    healthy = p.tv
    p.tv = lambda x: healthy(x[:, :1])


@fault(
    "later-gram-over-picture",
    port="numpy",
    recipe="neural-style",
    truth="Gram matrices, the style picture's too, are divided by H W of the optimized picture "
    "instead of the layer's number of positions",
)
def _(p):
    healthy = p.targets

    def targets(content, style, image_px):
        p.area = image_px[0] * image_px[1]
        healthy(content, style, image_px)

    p.targets = targets
    scaled_gram(p, lambda height, width, channels: height * width / p.area)
