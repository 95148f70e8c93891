"""Faults in reading, resizing and preprocessing pictures."""

import io

import numpy as np
import torch
from PIL import Image

from .faults import after, fault
from .numpy_port import IMAGENET_MEAN, IMAGENET_STD, MEAN_BGR

KERAS, NSTYLE = "https://github.com/keras-team/keras", "https://github.com/jcjohnson/neural-style"
BUNDLE = {"way": "bundle"}


def planes(rgb, size, how):
    """Every channel by PIL in float32; size is (width, height)."""
    channels = [Image.fromarray(rgb[..., c].astype(np.float32)) for c in range(3)]
    return np.stack([np.asarray(channel.resize(size, how)) for channel in channels], -1)


def by_pil(how):
    return lambda rgb, height, width: planes(rgb, (width, height), how)


def by_torch(**options):
    def resize(rgb, height, width):
        x = torch.tensor(rgb).permute(2, 0, 1)[None]
        return torch.nn.functional.interpolate(x, (height, width), **options)[0].permute(1, 2, 0).numpy()

    return resize


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


@fault(
    "style-quantised",
    port="numpy",
    recipe="gatys",
    truth="content and style are truncated to 8-bit values before they are used",
)
def _(p):
    healthy = p.prepare
    p.prepare = lambda rgb, which: healthy(rgb if which == "image" else np.floor(rgb * 255) / 255, which)


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
    "normalised-from-255",
    port="torch",
    recipe="pytorch-blog",
    truth="ImageNet's mean and deviation are applied to RGB in 0..255 instead of [0, 1]",
    seen_in="https://github.com/pytorch/vision/issues/433",
)
def _(p):
    p.to_pixels = lambda rgb: (255 * rgb - p.mean) / p.std


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
