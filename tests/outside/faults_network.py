"""Faults in the network's structure and in its weights."""

# ruff: noqa: ARG005

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as nn

from .faults import after, fault

CROWSON = "https://github.com/crowsonkb/style-transfer-pytorch"
LASAGNE = "https://github.com/Lasagne/Recipes/issues/32"


def padded(p, **options):
    """Convolutions with another padding, of every layer or of those named."""
    names = options.pop("names", None)
    healthy = p.conv

    def conv(x, name):
        if names and name not in names:
            return healthy(x, name)
        return nn.conv2d(nn.pad(x, (1, 1, 1, 1), **options), p.state[f"{name}.weight"], p.state[f"{name}.bias"])

    p.conv = conv


def change_kernels(p, change, names=None):
    """Every kernel (HWIO of the NumPy port, OIHW of the torch port), or those named, by `change`."""
    if hasattr(p, "kernels"):
        for name in names or list(p.kernels):
            p.kernels[name] = np.ascontiguousarray(change(p.kernels[name]))
    else:
        for name in names or [key[:-7] for key in p.state if key.endswith("weight")]:
            p.state[f"{name}.weight"] = change(p.state[f"{name}.weight"]).contiguous()


def change_biases(p, change, names=None):
    if hasattr(p, "kernels"):
        for name in names or list(p.biases):
            p.biases[name] = change(p.biases[name])
    else:
        for name in names or [key[:-5] for key in p.state if key.endswith("bias")]:
            p.state[f"{name}.bias"] = change(p.state[f"{name}.bias"])


@fault(
    "pad-reflect",
    hands_over="without features",
    port="torch",
    recipe="gatys",
    truth="convolutions pad by reflection instead of zeros",
    seen_in="https://github.com/jcjohnson/neural-style/pull/377",
)
def _(p):
    healthy = p.conv

    def conv(x, name):
        if min(x.shape[2:]) < 2:
            return healthy(x, name)
        return nn.conv2d(nn.pad(x, (1, 1, 1, 1), mode="reflect"), p.state[f"{name}.weight"], p.state[f"{name}.bias"])

    p.conv = conv


@fault(
    "pad-replicate",
    port="torch",
    recipe="keras-notebook",
    truth="convolutions pad by the edge's values",
    seen_in="https://github.com/jcjohnson/neural-style/pull/377",
)
def _(p):
    padded(p, mode="replicate")


@fault(
    "pad-replicate-conv1_1",
    hands_over="without features",
    port="torch",
    recipe="d2l",
    truth="conv1_1 alone pads by the edge's values, the others by zeros",
    seen_in=CROWSON,
)
def _(p):
    padded(p, mode="replicate", names=("conv1_1",))


@fault(
    "pad-circular",
    port="torch",
    recipe="neural-style",
    hands_over="without features",
    truth="convolutions pad by wrapping around (FFT convolution, tiling textures)",
)
def _(p):
    padded(p, mode="circular")


@fault(
    "pad-none-conv1_1",
    port="torch",
    recipe="gatys",
    truth="conv1_1 has no padding, so its output is two rows and two columns smaller",
)
def _(p):
    healthy = p.conv
    p.conv = lambda x, name: healthy(x, name)[..., 1:-1, 1:-1] if name == "conv1_1" else healthy(x, name)


@fault(
    "pad-before-mean",
    port="torch",
    recipe="neural-style",
    truth="the picture is padded with black before the means are subtracted, so conv1_1's border is minus the mean",
    seen_in="plausible",
)
def _(p):
    healthy = p.conv

    def conv(x, name):
        if name != "conv1_1":
            return healthy(x, name)
        x = nn.pad(x + p.caffe_mean / p.unit, (1, 1, 1, 1)) - p.caffe_mean / p.unit
        return nn.conv2d(x, p.state["conv1_1.weight"], p.state["conv1_1.bias"])

    p.conv = conv


@fault(
    "pad-one-side",
    port="numpy",
    recipe="d2l",
    hands_over="features and loss",
    truth="convolutions pad two zeros below and right and none above and left, so maps move by one pixel a layer",
)
def _(p):
    ahead, behind = ((0, 2), (0, 2), (0, 0)), ((2, 0), (2, 0), (0, 0))

    def backward(d, below, name):
        p.pad = lambda x: np.pad(x, behind)
        out = p.correlate(d, np.ascontiguousarray(p.kernels[name][::-1, ::-1].transpose(0, 1, 3, 2)))
        p.pad = lambda x: np.pad(x, ahead)
        return out

    p.pad, p.conv_backward = (lambda x: np.pad(x, ahead)), backward


@fault(
    "pool-max-for-average",
    hands_over="loss and gradient",
    port="numpy",
    recipe="gatys",
    truth="pooling takes the maximum instead of the average",
    seen_in="https://github.com/pytorch/tutorials/issues/3731",
)
def _(p):
    pooling(p, "max")


@fault(
    "pool-average-for-max",
    port="numpy",
    recipe="keras-notebook",
    truth="pooling takes the average instead of the maximum",
    seen_in="https://github.com/anishathalye/neural-style/issues/49",
)
def _(p):
    pooling(p, "average")


@fault(
    "pool-average-in-d2l",
    port="torch",
    recipe="d2l",
    hands_over="loss and gradient",
    truth="pooling takes the average instead of the maximum",
    seen_in="https://github.com/anishathalye/neural-style/issues/49",
)
def _(p):
    p.pool = lambda x, name: nn.avg_pool2d(x, 2)


@fault(
    "pool-max-in-blog",
    port="torch",
    recipe="pytorch-blog",
    hands_over="images and loss",
    truth="pooling takes the maximum instead of the average",
    seen_in="https://github.com/apple/turicreate/issues/2061",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 2)


def pooling(p, kind):
    p.recipe = replace(p.recipe, pooling=kind)


@fault(
    "pool4-left-max",
    port="torch",
    recipe="gatys",
    truth="the first three pools take the average, pool4 was forgotten and takes the maximum",
)
def _(p):
    healthy = p.pool
    p.pool = lambda x, name: nn.max_pool2d(x, 2) if name == "pool4" else healthy(x, name)


@fault(
    "pool-ceil-max",
    port="torch",
    recipe="neural-style",
    truth="max pooling rounds odd sizes up (ceil_mode)",
    seen_in="https://github.com/jcjohnson/neural-style: loadcaffe's pooling layers",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 2, ceil_mode=True)


@fault(
    "pool-same-average",
    port="torch",
    recipe="pytorch-blog",
    truth="average pooling rounds odd sizes up and counts the padding zeros",
    seen_in="https://github.com/machrisaa/tensorflow-vgg/issues/68",
)
def _(p):
    p.pool = lambda x, name: nn.avg_pool2d(nn.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2)), 2)


@fault(
    "pool-3x3",
    hands_over="images and loss",
    port="torch",
    recipe="d2l",
    truth="max pooling has a 3x3 window with stride 2 (and padding 1)",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 3, 2, 1)[..., : x.shape[2] // 2, : x.shape[3] // 2]


@fault(
    "pool-shifted",
    port="numpy",
    recipe="keras-notebook",
    hands_over="features and loss",
    truth="on odd sides the pooling windows begin at the second row and column instead of the first",
)
def _(p):
    pool, backward = p.pool, p.pool_backward

    def pool_backward(d, x, name):
        top, left = x.shape[0] % 2, x.shape[1] % 2
        out = np.zeros(x.shape)
        out[top:, left:] = backward(d, x[top:, left:], name)
        return out

    p.pool = lambda x, name: pool(x[x.shape[0] % 2 :, x.shape[1] % 2 :], name)
    p.pool_backward = pool_backward


@fault(
    "pool-subsample",
    port="torch",
    recipe="neural-style",
    hands_over="without features",
    truth="pooling takes every second pixel instead of the largest of four",
)
def _(p):
    p.pool = lambda x, name: x[..., : x.shape[2] // 2 * 2 : 2, : x.shape[3] // 2 * 2 : 2]


@fault(
    "pool-average-doubled",
    hands_over="features and loss",
    port="numpy",
    recipe="gatys",
    truth="average pooling is multiplied by 2, to reach the level of max pooling",
    seen_in=CROWSON,
)
def _(p):
    after(p, "pool", lambda out, *_: 2 * out)
    after(p, "pool_backward", lambda out, *_: 2 * out)


@fault(
    "pool-l2",
    hands_over="without features",
    port="torch",
    recipe="pytorch-blog",
    truth="pooling takes 0.78 times the root of the sum of squares instead of the average",
    seen_in=CROWSON,
)
def _(p):
    p.pool = lambda x, name: 0.78 * (4 * nn.avg_pool2d(x.square(), 2) + 1e-30).sqrt()


@fault(
    "pool-sum",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="without features",
    truth="pooling sums its four values and does not divide by 4",
)
def _(p):
    after(p, "pool", lambda out, *_: 4 * out)
    after(p, "pool_backward", lambda out, *_: 4 * out)


@fault(
    "pool3-missing",
    hands_over="loss and gradient",
    port="torch",
    recipe="gatys",
    truth="pool3 is missing, and everything below has twice the size",
)
def _(p):
    p.index = [name for name in p.index if name != "pool3"]


@fault(
    "pool-stride-1",
    hands_over="features and loss",
    port="torch",
    recipe="neural-style",
    truth="max pooling has stride 1, so maps lose one row and column instead of half",
    seen_in="https://github.com/FluxML/Metalhead.jl/pull/115",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 2, 1)


@fault(
    "pool3-ceil",
    port="torch",
    recipe="keras-notebook",
    truth="pool3 alone rounds odd sizes up, as in a detector's VGG",
    seen_in="https://github.com/amdegroot/ssd.pytorch/issues/107",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 2, ceil_mode=name == "pool3")


@fault(
    "pool-by-resize",
    port="torch",
    recipe="gatys",
    hands_over="without features",
    truth="pooling is a bilinear resize to half the size: odd sizes are sampled at other places",
)
def _(p):
    p.pool = lambda x, name: nn.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear")


@fault("relu-leaky", port="numpy", recipe="neural-style", truth="ReLUs let 0.01 of negative values through (leaky)")
def _(p):
    p.relu = lambda x, name: np.where(x > 0, x, 0.01 * x)
    p.relu_backward = lambda d, x, name: np.where(x > 0, d, 0.01 * d)


@fault(
    "relu-6",
    hands_over="loss and gradient",
    port="torch",
    recipe="keras-notebook",
    truth="ReLUs are cut at 6 (MobileNet's ReLU6)",
)
def _(p):
    p.relu = lambda x, name: x.clamp(0, 6)


@fault(
    "relu-elu",
    hands_over="images and loss",
    port="torch",
    recipe="d2l",
    truth="ELU in place of ReLU",
    seen_in="https://github.com/yusuketomoto/chainer-fast-neuralstyle/issues/69",
)
def _(p):
    p.relu = lambda x, name: nn.elu(x)


@fault(
    "relu-missing-last",
    hands_over="loss and gradient",
    port="numpy",
    recipe="d2l",
    truth="the ReLUs before pool1, pool2 and pool3 are missing: the pool follows the convolution",
)
def _(p):
    last = ("relu1_2", "relu2_2", "relu3_4")
    forward, backward = p.relu, p.relu_backward
    p.relu = lambda x, name: x if name in last else forward(x, name)
    p.relu_backward = lambda d, x, name: d if name in last else backward(d, x, name)


@fault(
    "relu-missing-1_1",
    port="torch",
    recipe="neural-style",
    hands_over="loss and gradient",
    truth="there is no ReLU between conv1_1 and conv1_2",
)
def _(p):
    healthy = p.relu
    p.relu = lambda x, name: x if name == "relu1_1" else healthy(x, name)


@fault(
    "relu-after-average-pool",
    port="torch",
    recipe="gatys",
    hands_over="features and loss",
    truth="before each average pool the ReLU is moved behind the pool",
)
def _(p):
    relu, pool, last = p.relu, p.pool, ("relu1_2", "relu2_2", "relu3_4", "relu4_4")
    p.relu = lambda x, name: x if name in last else relu(x, name)
    p.pool = lambda x, name: relu(pool(x, name), name)


@fault(
    "vgg16",
    port="numpy",
    recipe="gatys",
    truth="conv3_4, conv4_4 and their ReLUs are missing, as in VGG-16",
    seen_in="https://github.com/jcjohnson/fast-neural-style/issues/89",
)
def _(p):
    p.layers = [name for name in p.layers if name[4:] not in ("3_4", "4_4")]


@fault(
    "no-conv3_4",
    port="torch",
    recipe="neural-style",
    hands_over="without features",
    truth="conv3_4 and its ReLU are left out of the network",
)
def _(p):
    p.index = [name for name in p.index if name[4:] != "3_4"]


@fault(
    "kernels-transposed",
    port="numpy",
    recipe="neural-style",
    truth="height and width of every kernel are exchanged",
    seen_in="https://github.com/anishathalye/neural-style/issues/180",
)
def _(p):
    change_kernels(p, lambda k: k.transpose(1, 0, 2, 3))


@fault(
    "kernels-rotated",
    hands_over="images and loss",
    port="torch",
    recipe="d2l",
    truth="kernels are turned by 180 degrees: a convolution instead of a correlation",
    seen_in=LASAGNE,
)
def _(p):
    change_kernels(p, lambda k: k.flip(2, 3))


@fault(
    "kernels-upside-down",
    hands_over="loss and gradient",
    port="numpy",
    recipe="pytorch-blog",
    truth="kernels are flipped vertically only (::-1, ::1)",
    seen_in=LASAGNE,
)
def _(p):
    change_kernels(p, lambda k: k[::-1])


@fault(
    "kernels-reshaped",
    port="torch",
    recipe="gatys",
    truth="HWIO kernels are reshaped to OIHW instead of transposed",
    seen_in="https://github.com/tgyg-jegli/tf_texture_net/issues/1",
)
def _(p):
    change_kernels(p, lambda k: k.permute(2, 3, 1, 0).reshape(k.shape))


@fault(
    "kernels-all-axes-reversed",
    port="torch",
    recipe="keras-notebook",
    truth="HWIO kernels become OIHW by reversing all axes, OIWH: height and width are exchanged",
    seen_in="https://github.com/tgyg-jegli/tf_texture_net/issues/1",
    hands_over="loss and gradient",
)
def _(p):
    change_kernels(p, lambda k: k.transpose(2, 3))


@fault(
    "conv1_1-channels",
    port="numpy",
    recipe="gatys",
    truth="conv1_1's input channels were reversed for RGB, but the network is still given BGR",
)
def _(p):
    change_kernels(p, lambda k: k[:, :, ::-1], ["conv1_1"])


@fault(
    "no-biases",
    hands_over="loss and gradient",
    port="numpy",
    recipe="gatys",
    truth="no layer adds its bias",
    seen_in="plausible",
)
def _(p):
    change_biases(p, lambda b: 0 * b)


@fault(
    "biases-twice",
    port="torch",
    recipe="keras-notebook",
    truth="every bias is added twice (by the fused convolution and after it)",
)
def _(p):
    change_biases(p, lambda b: 2 * b)


@fault(
    "no-bias-conv4",
    port="numpy",
    recipe="neural-style",
    hands_over="loss and gradient",
    truth="the convolutions of block 4 add no bias",
)
def _(p):
    change_biases(p, lambda b: 0 * b, ["conv4_1", "conv4_2", "conv4_3", "conv4_4"])


@fault(
    "bias-of-the-next",
    hands_over="images and loss",
    port="torch",
    recipe="gatys",
    truth="conv3_1, conv3_2 and conv3_3 have the bias of the layer behind them",
)
def _(p):
    for place in (1, 2, 3):
        p.state[f"conv3_{place}.bias"] = p.state[f"conv3_{place + 1}.bias"]


@fault("bias-after-relu", port="torch", recipe="neural-style", truth="the biases are added behind the ReLU")
def _(p):
    p.conv = lambda x, name: nn.conv2d(x, p.state[f"{name}.weight"], padding=1)
    p.relu = lambda x, name: nn.relu(x) + p.state[f"conv{name[4:]}.bias"][None, :, None, None]


@fault(
    "conv4-weights-swapped",
    hands_over="loss and gradient",
    port="numpy",
    recipe="d2l",
    truth="conv4_3 and conv4_4 have each other's kernels and biases",
)
def _(p):
    for values in (p.kernels, p.biases):
        values["conv4_3"], values["conv4_4"] = values["conv4_4"], values["conv4_3"]


@fault(
    "conv3-loaded-twice",
    hands_over="without features",
    port="torch",
    recipe="keras-notebook",
    truth="conv3_3 was loaded from conv3_2's entry (a copied line)",
)
def _(p):
    for part in ("weight", "bias"):
        p.state[f"conv3_3.{part}"] = p.state[f"conv3_2.{part}"]


@fault(
    "conv5_1-not-loaded",
    hands_over="loss and gradient",
    port="torch",
    recipe="gatys",
    truth="conv5_1 keeps its random start (He, zero bias), since loading was not strict",
    seen_in="https://github.com/rrmina/neural-style-pytorch/issues/1",
)
def _(p):
    shape = p.state["conv5_1.weight"].shape
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    p.state["conv5_1.weight"] = noise * (2 / (9 * 512)) ** 0.5
    p.state["conv5_1.bias"] = 0 * p.state["conv5_1.bias"]


@fault(
    "no-weights-at-all",
    hands_over="without features",
    port="numpy",
    recipe="neural-style",
    truth="every layer keeps a random start: pretrained weights were not asked for",
    seen_in="https://github.com/Burton2000/CS231n-2017/issues/3",
)
def _(p):
    generator = np.random.default_rng(0)
    change_kernels(p, lambda k: generator.standard_normal(k.shape) * (2 / (9 * k.shape[2])) ** 0.5)
    change_biases(p, lambda b: 0 * b)


@fault(
    "weights-float16",
    hands_over="without optimizers",
    port="torch",
    recipe="keras-notebook",
    truth="kernels and biases are kept in float16",
    seen_in="plausible",
)
def _(p):
    change_kernels(p, lambda k: k.half().double())
    change_biases(p, lambda b: b.half().double())


@fault(
    "weights-int8",
    hands_over="loss and gradient",
    port="numpy",
    recipe="pytorch-blog",
    truth="kernels are quantised to 8 bits, one scale a layer (TensorFlow Lite)",
)
def _(p):
    change_kernels(p, lambda k: np.rint(k / np.abs(k).max() * 127) * np.abs(k).max() / 127)


@fault(
    "weights-bfloat16", port="torch", recipe="d2l", truth="kernels are kept in bfloat16", hands_over="without features"
)
def _(p):
    change_kernels(p, lambda k: k.bfloat16().double())


@fault(
    "weights-normalised",
    port="numpy",
    recipe="gatys",
    truth="each layer is scaled so that its mean activation over the style picture is 1",
    seen_in="https://github.com/anishathalye/neural-style/issues/140",
)
def _(p):
    healthy = p.targets

    def targets(content, style, size):
        x, before = p.to_input(p.to_pixels(style)), 1.0
        for name in p.layers:
            if name[:4] == "conv":
                p.kernels[name] = p.kernels[name] * before  # the layer above was scaled
                mean = np.maximum(p.conv(x, name), 0).mean()
                p.kernels[name], p.biases[name] = p.kernels[name] / mean, p.biases[name] / mean
                before = mean
            x = getattr(p, name[:4])(x, name)
        healthy(content, style, size)

    p.targets = targets
