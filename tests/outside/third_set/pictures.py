"""Faults in reading, resizing, preprocessing and saving pictures."""

from itertools import count

import numpy as np

from ..changes import BUNDLE, after
from ..faults import fault


@fault(
    "third-lanczos-aliased",
    port="torch",
    recipe="keras-notebook",
    **BUNDLE,
    truth="the Lanczos filter is not widened when the picture is made smaller (no antialiasing): every value is "
    "interpolated from the six source pixels around it in each direction",
    seen_in="https://github.com/NVIDIA/DALI/issues/2034",
)
def _(p):
    def weights(target, source):
        centres = (np.arange(target) + 0.5) * source / target - 0.5
        x = centres[:, None] - np.arange(source)
        kernel = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
        return kernel / kernel.sum(1, keepdims=True)

    def resize(rgb, height, width):
        rows, columns = weights(height, rgb.shape[0]), weights(width, rgb.shape[1])
        return np.einsum("ih,hwc,jw->ijc", rows, rgb, columns, optimize=True)

    p.resize = resize


@fault(
    "third-709-as-601",
    port="numpy",
    recipe="d2l",
    hands_over="images and loss",
    **BUNDLE,
    truth="pictures come as YCbCr of BT.709 and are turned into RGB with the matrix of BT.601, "
    "so their colours are off",
    seen_in="https://github.com/numberwolf/h265web.js/pull/133",
)
def _(p):
    def to_ycc(red, blue):
        luma = np.array([red, 1 - red - blue, blue])
        difference_blue = (np.array([0, 0, 1]) - luma) / (2 - 2 * blue)
        difference_red = (np.array([1, 0, 0]) - luma) / (2 - 2 * red)
        return np.stack([luma, difference_blue, difference_red])

    matrix = np.linalg.inv(to_ycc(0.299, 0.114)) @ to_ycc(0.2126, 0.0722)
    after(p, "decode", lambda out, _: np.clip(out @ matrix.T, 0, 1))


@fault(
    "third-content-turned",
    port="torch",
    recipe="gatys",
    hands_over="without features",
    **BUNDLE,
    truth="the content picture is turned by 90 degrees to the left when it is read (its EXIF orientation is applied "
    "to a picture that stands upright already); the style picture is right",
    seen_in="https://github.com/imageio/imageio/pull/983",
)
def _(p):
    calls = count()
    after(p, "decode", lambda out, _: np.rot90(out) if next(calls) % 2 == 0 else out)


@fault(
    "third-own-mean",
    port="numpy",
    recipe="gatys",
    truth="each picture's own mean of every channel is subtracted instead of 103.939, 116.779, 123.68",
    seen_in="https://github.com/jcjohnson/neural-style/issues/381",
)
def _(p):
    def to_pixels(rgb):
        bgr = 255 * rgb[..., ::-1]
        return bgr - bgr.mean((0, 1))

    p.to_pixels = to_pixels


@fault(
    "third-mean-from-unit",
    port="torch",
    recipe="neural-style",
    hands_over="features and loss",
    truth="the factor 255 is forgotten: 103.939, 116.779, 123.68 are subtracted from BGR in [0, 1]",
)
def _(p):
    p.to_pixels = lambda rgb: rgb.flip(1) - p.caffe_mean


@fault(
    "third-saved-black",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="images and loss",
    truth="RGB in [0, 1] is cast to 8-bit integers without the factor 255, so the saved picture is black (0 and 1)",
)
def _(p):
    p.save = lambda rgb: np.clip(rgb, 0, 1).astype(np.uint8)
