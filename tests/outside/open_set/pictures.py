"""Faults in reading, resizing and preprocessing pictures."""

import numpy as np
from PIL import Image

from ..changes import BUNDLE, NSTYLE, after, by_pil, by_torch
from ..faults import fault
from ..numpy_port import IMAGENET_MEAN, IMAGENET_STD, MEAN_BGR

KERAS = "https://github.com/keras-team/keras"


@fault(
    "resize-bicubic-pil",
    hands_over="without optimizers",
    port="torch",
    recipe="neural-style",
    **BUNDLE,
    truth="pictures are resized by PIL's antialiased bicubic filter (PIL's default) instead of Lanczos",
    seen_in="https://github.com/pytorch/vision/pull/3810",
)
def _(p):
    p.resize = by_pil(Image.Resampling.BICUBIC)


@fault(
    "resize-align-corners",
    hands_over="without features",
    port="torch",
    recipe="d2l",
    **BUNDLE,
    truth="pictures are resized by bilinear interpolation without antialiasing and with corners aligned",
    seen_in="https://github.com/mindee/doctr/issues/402",
)
def _(p):
    p.resize = by_torch(mode="bilinear", align_corners=True)


@fault(
    "resize-bicubic-aliased",
    port="torch",
    recipe="gatys",
    **BUNDLE,
    truth="pictures are resized by bicubic interpolation without antialiasing (torch.interpolate)",
    seen_in="https://github.com/pytorch/vision/issues/2950",
    hands_over="images and loss",
)
def _(p):
    p.resize = by_torch(mode="bicubic", align_corners=False)


@fault(
    "resize-legacy-corner",
    port="numpy",
    recipe="neural-style",
    **BUNDLE,
    truth="bilinear sampling at index times scale, without the half pixel offset, as in TensorFlow 1",
    seen_in="https://github.com/mindee/doctr/issues/402",
)
def _(p):
    def resize(rgb, height, width):
        y, x = np.arange(height) * rgb.shape[0] / height, np.arange(width) * rgb.shape[1] / width
        j, i = y.astype(int), x.astype(int)
        j1, i1 = np.minimum(j + 1, rgb.shape[0] - 1), np.minimum(i + 1, rgb.shape[1] - 1)
        b, a = (y - j)[:, None, None], (x - i)[:, None]
        top = rgb[j][:, i] * (1 - a) + rgb[j][:, i1] * a
        return top * (1 - b) + (rgb[j1][:, i] * (1 - a) + rgb[j1][:, i1] * a) * b

    p.resize = resize


@fault(
    "resize-swapped-sides",
    hands_over="without features",
    port="numpy",
    recipe="keras-notebook",
    **BUNDLE,
    truth="the resize is asked for (height, width) where it wants (width, height), and the result is reshaped",
    seen_in="Keras notebook, Aalborg 2017: a placeholder (1, width, height, 3)",
)
def _(p):
    healthy = p.resize
    p.resize = lambda rgb, height, width: healthy(rgb, width, height).reshape(height, width, 3)


@fault(
    "resize-centre-crop",
    port="torch",
    recipe="d2l",
    **BUNDLE,
    truth="pictures are cropped to the centre at the wanted proportions before the resize instead of stretched",
)
def _(p):
    healthy = p.resize

    def resize(rgb, height, width):
        h, w = rgb.shape[:2]
        ch, cw = min(h, round(w * height / width)), min(w, round(h * width / height))
        top, left = (h - ch) // 2, (w - cw) // 2
        return healthy(rgb[top : top + ch, left : left + cw], height, width)

    p.resize = resize


@fault(
    "resize-8-bit",
    port="numpy",
    recipe="pytorch-blog",
    **BUNDLE,
    truth="the resize rounds to 8-bit values, as PIL does on an 8-bit picture, before the division by 255",
    seen_in="https://github.com/pytorch/vision/issues/2950",
)
def _(p):
    after(p, "resized", lambda out, *_: np.rint(out * 255) / 255)


@fault(
    "resize-twice",
    hands_over="images and loss",
    port="numpy",
    recipe="gatys",
    **BUNDLE,
    truth="pictures are reduced to a quarter first and then to the size of the run",
)
def _(p):
    healthy = p.resize
    p.resize = lambda rgb, h, w: healthy(healthy(rgb, rgb.shape[0] // 4, rgb.shape[1] // 4), h, w)


@fault(
    "resize-gaussian",
    port="numpy",
    recipe="d2l",
    **BUNDLE,
    hands_over="images and loss",
    truth="a Gaussian blur of sigma (factor - 1) / 2 and linear interpolation, as skimage's anti_aliasing, "
    "instead of Lanczos",
    seen_in="scikit-image: transform.resize(anti_aliasing=True)",
)
def _(p):
    from skimage.transform import resize

    p.resize = lambda rgb, h, w: resize(rgb, (h, w), order=1, anti_aliasing=True)


@fault(
    "decode-bgr",
    port="numpy",
    recipe="neural-style",
    **BUNDLE,
    truth="pictures are read as BGR (cv2.imread) and taken for RGB",
    seen_in="https://github.com/jwyang/faster-rcnn.pytorch/pull/492",
)
def _(p):
    after(p, "decode", lambda out, *_: out[..., ::-1])


@fault(
    "decode-256",
    port="torch",
    recipe="gatys",
    **BUNDLE,
    truth="8-bit values are divided by 256 instead of 255",
    seen_in="plausible",
)
def _(p):
    p.decode = lambda picture: np.asarray(picture, np.float64) / 256


@fault(
    "decode-grey",
    hands_over="images and loss",
    port="torch",
    recipe="keras-notebook",
    **BUNDLE,
    truth="pictures are converted to grey (0.299, 0.587, 0.114) and repeated over three channels",
    seen_in="plausible",
)
def _(p):
    after(p, "decode", lambda out, *_: np.repeat(out @ np.array([[0.299], [0.587], [0.114]]), 3, -1))


@fault(
    "decode-upside-down",
    port="torch",
    recipe="pytorch-blog",
    **BUNDLE,
    hands_over="images and loss",
    truth="rows are read from the bottom up, as with an OpenGL texture",
)
def _(p):
    after(p, "decode", lambda out, *_: out[::-1].copy())


@fault("no-mean", port="numpy", recipe="gatys", truth="the means are not subtracted", seen_in=f"{KERAS}/issues/3340")
def _(p):
    p.mean = np.zeros(3)


@fault(
    "means-in-rgb-order",
    hands_over="images and loss",
    port="numpy",
    recipe="keras-notebook",
    truth="123.68, 116.779, 103.939 are subtracted from BGR, so red and blue get each other's mean",
    seen_in=f"{KERAS}/pull/4027",
)
def _(p):
    p.mean = MEAN_BGR[::-1]


@fault(
    "rgb-to-the-net",
    hands_over="without optimizers",
    port="torch",
    recipe="neural-style",
    truth="the channels stay RGB (with the means in RGB order) where the weights want BGR",
    seen_in=f"{NSTYLE}/issues/207",
)
def _(p):
    p.to_pixels = lambda rgb: rgb * 255 - p.caffe_mean.flip(1)


@fault(
    "mean-from-columns",
    port="numpy",
    recipe="keras-notebook",
    truth="the means are subtracted from the first three columns of the picture instead of its channels",
    seen_in=f"{KERAS}/issues/1891",
)
def _(p):
    def to_pixels(rgb):
        bgr = 255 * rgb[..., ::-1]
        bgr[:, :3] -= MEAN_BGR[:, None]
        return bgr

    p.to_pixels = to_pixels


@fault(
    "minus-one-to-one",
    port="numpy",
    recipe="gatys",
    hands_over="images and loss",
    truth="the network is given BGR in [-1, 1] (x / 127.5 - 1) instead of 0..255 less the means",
    seen_in="plausible",
)
def _(p):
    p.to_pixels = lambda rgb: 2 * rgb[..., ::-1] - 1


@fault(
    "unit-input-alone",
    hands_over="loss and gradient",
    port="torch",
    recipe="pytorch-blog",
    truth="the input is divided by 57.63, the biases are not",
)
def _(p):
    for name in p.state:
        if name.endswith("bias"):
            p.state[name] = p.state[name] * p.unit


@fault(
    "unit-biases-alone",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="without features",
    truth="the biases are divided by 57.63, the input is not",
)
def _(p):
    p.unit = 1.0


@fault(
    "bgr-deviation",
    port="numpy",
    recipe="d2l",
    hands_over="images and loss",
    truth="the deviations are applied in BGR order to RGB when pixels are made; the way back is right",
)
def _(p):
    p.to_pixels = lambda rgb: (rgb - IMAGENET_MEAN) / IMAGENET_STD[::-1]


@fault(
    "not-normalised",
    port="numpy",
    recipe="d2l",
    truth="pixels stay RGB in [0, 1], neither mean nor deviation is applied, and the network takes them as normalised",
    seen_in="https://github.com/leftthomas/SRGAN/issues/62",
)
def _(p):
    p.to_pixels = lambda rgb: rgb


@fault(
    "saved-truncated",
    port="numpy",
    recipe="gatys",
    truth="saving truncates to 8-bit values instead of rounding",
    seen_in="https://github.com/jcjohnson/neural-style and keras.io: clip(...).astype('uint8')",
)
def _(p):
    p.save = lambda rgb: (np.clip(rgb, 0, 1) * 255).astype(np.uint8)


@fault(
    "saved-stretched",
    port="torch",
    recipe="pytorch-blog",
    truth="saving stretches the contrast: 255 / max times (x - min)",
    seen_in="PyTorch blog post of 9 August 2020",
)
def _(p):
    p.save = lambda rgb: np.rint(255 / rgb.max() * (rgb - rgb.min())).astype(np.uint8)


@fault(
    "saved-bgr",
    port="torch",
    recipe="keras-notebook",
    hands_over="images and loss",
    truth="the saved picture is BGR",
    seen_in="https://github.com/cysmith/neural-style-tf/issues/69",
)
def _(p):
    after(p, "save", lambda out, _: out[..., ::-1])
