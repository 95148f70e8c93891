"""Faults in reading, resizing and preprocessing pictures."""

import io

import numpy as np
import torch
from PIL import Image

from ..changes import BUNDLE, NSTYLE, after, by_pil, by_torch
from ..faults import fault
from ..numpy_port import IMAGENET_MEAN, MEAN_BGR


@fault(
    "resize-bilinear-pil",
    hands_over="without features",
    port="numpy",
    recipe="gatys",
    **BUNDLE,
    truth="pictures are resized by PIL's antialiased bilinear filter instead of Lanczos",
    seen_in="https://github.com/pytorch/vision/issues/2950",
)
def _(p):
    p.resize = by_pil(Image.Resampling.BILINEAR)


@fault(
    "resize-nearest",
    hands_over="images and loss",
    port="numpy",
    recipe="keras-notebook",
    **BUNDLE,
    truth="pictures are resized by the nearest neighbour (load_img's default in Keras) instead of Lanczos",
    seen_in="https://keras.io/api/data_loading/image/",
)
def _(p):
    p.resize = by_pil(Image.Resampling.NEAREST)


@fault(
    "resize-area",
    hands_over="without features",
    port="numpy",
    recipe="d2l",
    **BUNDLE,
    truth="pictures are resized by averaging areas (OpenCV's INTER_AREA) instead of Lanczos",
)
def _(p):
    p.resize = by_pil(Image.Resampling.BOX)


@fault(
    "resize-bilinear-aliased",
    port="torch",
    recipe="pytorch-blog",
    **BUNDLE,
    truth="pictures are resized by bilinear interpolation without antialiasing",
    seen_in="https://github.com/pytorch/vision/issues/2950",
)
def _(p):
    p.resize = by_torch(mode="bilinear", align_corners=False)


@fault(
    "resize-no-clip",
    hands_over="without optimizers",
    port="torch",
    recipe="neural-style",
    **BUNDLE,
    truth="what Lanczos overshoots below 0 and above 1 is not clipped",
)
def _(p):
    p.resized = p.resize


@fault(
    "style-keeps-proportions",
    hands_over="images and loss",
    port="torch",
    recipe="d2l",
    **BUNDLE,
    truth="the style picture keeps its own proportions (longest side as the image's) instead of the content's size",
)
def _(p):
    healthy = p.resized

    def resized(rgb, height, width):
        if rgb.shape[0] != rgb.shape[1]:  # the content picture
            return healthy(rgb, height, width)
        return healthy(rgb, max(height, width), max(height, width))

    p.resized = resized


@fault(
    "resize-jpeg",
    port="torch",
    recipe="gatys",
    **BUNDLE,
    hands_over="images and loss",
    truth="resized pictures are kept as JPEG files of quality 75 and read again",
    seen_in="plausible",
)
def _(p):
    def jpeg(out, *_):
        file = io.BytesIO()
        Image.fromarray(np.rint(out * 255).astype(np.uint8)).save(file, "jpeg", quality=75)
        return np.asarray(Image.open(file), np.float64) / 255

    after(p, "resized", jpeg)


@fault(
    "decode-linear-light",
    hands_over="without features",
    port="numpy",
    recipe="d2l",
    **BUNDLE,
    truth="sRGB values are converted to linear light on reading (gamma 2.2), as Core Image's working space does",
)
def _(p):
    after(p, "decode", lambda out, *_: out**2.2)


@fault(
    "style-quantised",
    port="numpy",
    recipe="gatys",
    truth="content and style are truncated to 8-bit values before they are used",
)
def _(p):
    healthy = p.prepare
    p.prepare = lambda rgb, which: healthy(rgb if which == "image" else np.floor(rgb * 255) / 255, which)


@fault(
    "mean-120",
    port="torch",
    recipe="gatys",
    hands_over="without features",
    truth="120 is subtracted from every channel instead of the three means",
    seen_in="https://github.com/yusuketomoto/chainer-fast-neuralstyle/issues/16",
)
def _(p):
    p.caffe_mean = torch.full_like(p.caffe_mean, 120)


@fault(
    "scale-256",
    port="numpy",
    recipe="neural-style",
    truth="RGB in [0, 1] is multiplied by 256 before the means are subtracted",
    seen_in=f"{NSTYLE}/issues/207",
)
def _(p):
    p.scale = 256.0


@fault(
    "imagenet-for-caffe",
    hands_over="images and loss",
    port="torch",
    recipe="gatys",
    truth="Oxford's weights are given torchvision's normalised RGB: over mean 0.485... and deviation 0.229...",
    seen_in="https://github.com/pytorch/pytorch/issues/43457",
)
def _(p):
    p.to_pixels = lambda rgb: (rgb - p.mean) / p.std


@fault(
    "no-deviation",
    hands_over="without features",
    port="torch",
    recipe="d2l",
    truth="pixels are RGB less the means, but not divided by the deviations; the way back matches",
    seen_in="https://github.com/apple/coremltools/issues/244",
)
def _(p):
    p.to_pixels = lambda rgb: rgb - p.mean
    p.to_input = lambda x: ((x + p.mean).flip(1) * 255 - p.caffe_mean) / p.unit


@fault(
    "half-half",
    port="numpy",
    recipe="pytorch-blog",
    truth="pixels are normalised by mean 0.5 and deviation 0.5, but converted to the input by ImageNet's numbers",
)
def _(p):
    p.to_pixels = lambda rgb: (rgb - 0.5) / 0.5


@fault(
    "preprocessed-twice",
    hands_over="without optimizers",
    port="torch",
    recipe="keras-notebook",
    truth="the means are subtracted a second time at the network's input",
    seen_in="https://github.com/cysmith/neural-style-tf/issues/69",
)
def _(p):
    after(p, "to_input", lambda out, _: out - p.caffe_mean)


@fault(
    "style-without-mean",
    port="numpy",
    recipe="neural-style",
    truth="the means are not subtracted from the style picture, only from content and image",
    seen_in="https://github.com/VITA-Group/DeblurGANv2/issues/82",
)
def _(p):
    healthy = p.targets
    p.targets = lambda content, style, size: healthy(content, style + MEAN_BGR[::-1] / 255, size)


@fault(
    "unit-left-out",
    port="numpy",
    recipe="d2l",
    truth="neither input nor biases are divided by 57.63 though the recipe was tuned for torchvision's weights",
)
def _(p):
    p.biases = {name: bias * p.unit for name, bias in p.biases.items()}
    p.unit = 1.0


@fault(
    "unit-per-channel",
    hands_over="without optimizers",
    port="torch",
    recipe="d2l",
    truth="the input's channels are divided by 255 times their own deviations instead of all by 57.63",
    seen_in="https://pytorch.org/vision/stable/models.html",
)
def _(p):
    p.to_input = lambda x: ((x * p.std + p.mean).flip(1) * 255 - p.caffe_mean) / (255 * p.std.flip(1))


@fault(
    "means-of-torchvision",
    port="numpy",
    recipe="keras-notebook",
    truth="255 times torchvision's means (103.53, 116.28, 123.675) are subtracted instead of Oxford's",
)
def _(p):
    p.mean = 255 * IMAGENET_MEAN[::-1]


@fault(
    "content-style-swapped",
    port="torch",
    recipe="neural-style",
    truth="content and style picture are passed in each other's place",
)
def _(p):
    healthy = p.targets
    p.targets = lambda content, style, size: healthy(style, content, size)


@fault(
    "normalised-from-255",
    port="torch",
    recipe="pytorch-blog",
    truth="ImageNet's mean and deviation are applied to RGB in 0..255 instead of [0, 1]",
    seen_in="https://github.com/pytorch/vision/issues/433",
)
def _(p):
    p.to_pixels = lambda rgb: (255 * rgb - p.mean) / p.std
