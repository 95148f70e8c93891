"""Faults in the network's structure and in its weights."""

# ruff: noqa: ARG005

import numpy as np
import torch.nn.functional as nn

from ..changes import LASAGNE, change_biases, change_kernels, padded, pooling
from ..faults import fault


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
    "pad-circular",
    port="torch",
    recipe="neural-style",
    hands_over="without features",
    truth="convolutions pad by wrapping around (FFT convolution, tiling textures)",
)
def _(p):
    padded(p, mode="circular")


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
    "pool-3x3",
    hands_over="images and loss",
    port="torch",
    recipe="d2l",
    truth="max pooling has a 3x3 window with stride 2 (and padding 1)",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 3, 2, 1)[..., : x.shape[2] // 2, : x.shape[3] // 2]


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
