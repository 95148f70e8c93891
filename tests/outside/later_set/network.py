"""Faults in the layers of the network and in its weights."""

# ruff: noqa: ARG005

import numpy as np
import torch.nn.functional as nn

from ..changes import after, change_biases, change_kernels
from ..faults import fault


@fault(
    "later-pool-same",
    port="torch",
    recipe="gatys",
    truth="average pooling rounds odd sizes up, and a window at the edge averages only the values that it has",
    seen_in="https://github.com/tensorflow/tensorflow/issues/60509",
)
def _(p):
    p.pool = lambda x, name: nn.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


@fault(
    "later-kernels-in-for-out",
    port="numpy",
    recipe="neural-style",
    hands_over="features and loss",
    truth="where a convolution has as many inputs as outputs, the input and output channels of its kernel "
    "are exchanged; the other kernels are right",
    seen_in="https://github.com/apache/tvm/pull/9336",
)
def _(p):
    square = [name for name, kernel in p.kernels.items() if kernel.shape[2] == kernel.shape[3]]
    change_kernels(p, lambda kernel: kernel.transpose(0, 1, 3, 2), square)


@fault(
    "later-input-resized",
    port="torch",
    recipe="d2l",
    truth="the network resizes what it is given to 32x32 (bilinear, without antialiasing) before conv1_1",
    seen_in="https://github.com/CortexFoundation/StyleTransferTrilogy/issues/6",
)
def _(p):
    after(p, "to_input", lambda out, _: nn.interpolate(out, (32, 32), mode="bilinear", align_corners=False))


@fault(
    "later-dilated-block",
    port="torch",
    recipe="pytorch-blog",
    way="bundle",
    truth="the convolutions of block 4 have dilation 2 and padding 2",
)
def _(p):
    healthy = p.conv

    def conv(x, name):
        if not name.startswith("conv4"):
            return healthy(x, name)
        return nn.conv2d(x, p.state[f"{name}.weight"], p.state[f"{name}.bias"], padding=2, dilation=2)

    p.conv = conv


@fault(
    "later-last-channel-zero",
    port="numpy",
    recipe="keras-notebook",
    truth="the last output channel of every convolution was never loaded: its kernel and bias are zero",
)
def _(p):
    def without_last(values):
        return values * (np.arange(values.shape[-1]) < values.shape[-1] - 1)

    change_kernels(p, without_last)
    change_biases(p, without_last)


@fault(
    "later-first-bias-undivided",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="the bias of conv1_1 alone is not divided by 57.63",
)
def _(p):
    change_biases(p, lambda bias: p.unit * bias, ["conv1_1"])
