"""Faults in the network's structure and in its weights."""

# ruff: noqa: ARG005

import numpy as np
import torch
import torch.nn.functional as nn

from ..changes import LASAGNE, after, change_biases, change_kernels, padded, pooling
from ..faults import fault

CROWSON = "https://github.com/crowsonkb/style-transfer-pytorch"


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
    "pad-none-conv1_1",
    port="torch",
    recipe="gatys",
    truth="conv1_1 has no padding, so its output is two rows and two columns smaller",
)
def _(p):
    healthy = p.conv
    p.conv = lambda x, name: healthy(x, name)[..., 1:-1, 1:-1] if name == "conv1_1" else healthy(x, name)


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
    "pool-max-in-blog",
    port="torch",
    recipe="pytorch-blog",
    hands_over="images and loss",
    truth="pooling takes the maximum instead of the average",
    seen_in="https://github.com/apple/turicreate/issues/2061",
)
def _(p):
    p.pool = lambda x, name: nn.max_pool2d(x, 2)


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


@fault("relu-leaky", port="numpy", recipe="neural-style", truth="ReLUs let 0.01 of negative values through (leaky)")
def _(p):
    p.relu = lambda x, name: np.where(x > 0, x, 0.01 * x)
    p.relu_backward = lambda d, x, name: np.where(x > 0, d, 0.01 * d)


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
    "kernels-transposed",
    port="numpy",
    recipe="neural-style",
    truth="height and width of every kernel are exchanged",
    seen_in="https://github.com/anishathalye/neural-style/issues/180",
)
def _(p):
    change_kernels(p, lambda k: k.transpose(1, 0, 2, 3))


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
