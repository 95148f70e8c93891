"""Faults in the layers of the network and in its weights."""

import numpy as np
import torch
import torch.nn.functional as nn

from ..changes import after, change_kernels
from ..faults import fault


@fault(
    "third-batch-norm-training",
    port="torch",
    recipe="d2l",
    truth="the network is vgg19_bn in training mode (no eval()): behind each convolution every channel has its mean "
    "over the picture subtracted and is divided by its deviation (epsilon 1e-5)",
)
def _(p):
    def normalised(out, *_):
        mean, variance = out.mean((2, 3), keepdim=True), out.var((2, 3), unbiased=False, keepdim=True)
        return (out - mean) / (variance + 1e-5).sqrt()

    after(p, "conv", normalised)


@fault(
    "third-activations-int8",
    port="numpy",
    recipe="keras-notebook",
    hands_over="without optimizers",
    truth="the network computes with 8-bit activations (TensorFlow Lite): the output of every ReLU is rounded to 255 "
    "steps between 0 and its largest value, before the next layer sees it",
    seen_in="https://github.com/magenta/magenta/issues/1680",
)
def _(p):
    def rounded(out, *_):
        step = max(out.max(), 1e-30) / 255
        return np.rint(out / step) * step

    after(p, "relu", rounded)


@fault(
    "third-weights-pruned",
    port="torch",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="the network is pruned: the half of each kernel's values that are smallest in size are zero",
    seen_in="https://github.com/jacobgil/pytorch-pruning/issues/24",
)
def _(p):
    change_kernels(p, lambda kernel: torch.where(kernel.abs() > kernel.abs().median(), kernel, 0))


@fault(
    "third-border-not-computed",
    port="numpy",
    recipe="gatys",
    truth="the loops of the convolution leave out the outermost rows and columns, where the kernel does not fit: "
    "they stay zero, without the bias",
)
def _(p):
    def inner(x):
        out = np.zeros_like(x)
        out[1:-1, 1:-1] = x[1:-1, 1:-1]
        return out

    after(p, "conv", lambda out, *_: inner(out))
    healthy = p.conv_backward
    p.conv_backward = lambda d, below, name: healthy(inner(d), below, name)


@fault(
    "third-cropped-to-16",
    port="torch",
    recipe="neural-style",
    truth="the network's input is cropped at the lower and right edge to multiples of 16 pixels",
)
def _(p):
    after(p, "to_input", lambda out, _: out[:, :, : out.shape[2] // 16 * 16, : out.shape[3] // 16 * 16])


@fault(
    "third-pool-blurred",
    port="torch",
    recipe="keras-notebook",
    truth="max pooling has stride 1 and is followed by a blur (1 2 1 in each direction, zeros outside) with stride 2",
    seen_in="https://github.com/lgvaz/faststyle/issues/4",
)
def _(p):
    def pool(x, name):
        row = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype)
        kernel = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
        return nn.conv2d(nn.max_pool2d(x, 2, stride=1), kernel, stride=2, padding=1, groups=x.shape[1])

    p.pool = pool
