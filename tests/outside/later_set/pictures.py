"""Faults in reading, resizing, preprocessing and saving pictures."""

import numpy as np
from PIL import Image

from ..changes import BUNDLE, after, planes
from ..faults import fault
from ..numpy_port import IMAGENET_MEAN, IMAGENET_STD, MEAN_BGR


@fault(
    "later-saved-means-exchanged",
    port="numpy",
    recipe="keras-notebook",
    hands_over="images and loss",
    **BUNDLE,
    truth="on saving 123.68, 116.779, 103.939 are added back to BGR, so the saved red is 19.741 too dark "
    "and the saved blue 19.741 too light",
    seen_in="https://github.com/keras-team/keras/pull/4027",
)
def _(p):
    healthy = p.save
    p.save = lambda rgb: healthy(((255 * rgb[..., ::-1] - MEAN_BGR + MEAN_BGR[::-1]) / 255)[..., ::-1])


@fault(
    "later-one-deviation",
    port="torch",
    recipe="d2l",
    hands_over="without optimizers",
    **BUNDLE,
    truth="pixels are divided by 0.226 in every channel instead of by the channel's own deviation; "
    "the way back to the input has the channels' own",
    seen_in="https://github.com/apple/coremltools/issues/1087",
)
def _(p):
    p.to_pixels = lambda rgb: (rgb - p.mean) / 0.226


@fault(
    "later-mean-after-deviation",
    port="numpy",
    recipe="pytorch-blog",
    **BUNDLE,
    truth="the picture is divided by the deviations first and the means are subtracted then, undivided "
    "(x / deviation - mean), when pixels are made; the way back is right",
    seen_in="https://github.com/onnx/onnx-coreml/issues/338",
)
def _(p):
    p.to_pixels = lambda rgb: rgb / IMAGENET_STD - IMAGENET_MEAN


@fault(
    "later-letterbox",
    port="torch",
    recipe="neural-style",
    hands_over="images and loss",
    **BUNDLE,
    truth="content and style keep their proportions in the resize and are centred between black bars "
    "that fill the rest of the size",
)
def _(p):
    def resize(rgb, height, width):
        scale = min(height / rgb.shape[0], width / rgb.shape[1])
        h, w = (max(1, round(scale * side)) for side in rgb.shape[:2])
        top, left = (height - h) // 2, (width - w) // 2
        out = np.zeros((height, width, 3))
        out[top : top + h, left : left + w] = planes(rgb, (w, h), Image.Resampling.LANCZOS)
        return out

    p.resize = resize


@fault(
    "later-style-bgr",
    port="numpy",
    recipe="gatys",
    hands_over="without features",
    **BUNDLE,
    truth="the style picture alone is turned to BGR behind the resize and taken for RGB; content and image are right",
)
def _(p):
    after(p, "prepare", lambda out, _, which: out[..., ::-1] if which == "style" else out)


@fault(
    "later-video-range",
    port="torch",
    recipe="keras-notebook",
    **BUNDLE,
    truth="8-bit values are taken for video range and stretched: (v - 16) / 219, clipped to [0, 1]",
)
def _(p):
    after(p, "decode", lambda out, _: np.clip((255 * out - 16) / 219, 0, 1))
