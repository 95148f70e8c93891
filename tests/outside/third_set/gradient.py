"""Faults in the derivative alone: the loss is right."""

import numpy as np
import torch

from ..changes import after
from ..faults import fault


class _Half(torch.autograd.Function):
    """The same values, whose derivative is rounded to float16."""

    @staticmethod
    def forward(_, x):
        return x.view_as(x)

    @staticmethod
    def backward(_, d):
        return d.half().to(d.dtype)


@fault(
    "third-backward-valid",
    port="numpy",
    recipe="keras-notebook",
    hands_over="without optimizers",
    truth="the convolution's derivative is computed only where the kernel fits: in the outermost rows and columns "
    "it is 0",
)
def _(p):
    def inner(d, *_):
        out = np.zeros_like(d)
        out[1:-1, 1:-1] = d[1:-1, 1:-1]
        return out

    after(p, "conv_backward", inner)


@fault(
    "third-derivative-replaced",
    port="numpy",
    recipe="pytorch-blog",
    truth="at a tap the derivative of the tap's own term replaces what comes from deeper layers instead of being added "
    "to it, so only relu1_1's style term reaches the pixels",
    seen_in="https://github.com/jcjohnson/neural-style/issues/387",
)
def _(p):
    def backward(seeds, features, x):
        whole, d = {}, 0
        for index in reversed(range(len(p.layers))):
            name = p.layers[index]
            below = features[p.layers[index - 1]] if index else x
            whole[name] = d = seeds.get(name, d)
            if np.ndim(d):
                d = getattr(p, name[:4] + "_backward")(d, below, name)
        return d, whole

    p.backward = backward


@fault(
    "third-backward-pool-tiled",
    port="numpy",
    recipe="gatys",
    hands_over="loss and gradient",
    truth="average pooling's derivative is enlarged by np.tile, which sets four copies side by side, instead of "
    "repeating each value in its own window",
)
def _(p):
    def pool_backward(d, x, name):
        out = np.zeros(x.shape, d.dtype)
        out[: 2 * d.shape[0], : 2 * d.shape[1]] = np.tile(d / 4, (2, 2, 1))
        return out

    p.pool_backward = pool_backward


@fault(
    "third-backward-half",
    port="torch",
    recipe="d2l",
    truth="the derivative behind every convolution is rounded to float16 without a scale of the loss, so values under "
    "3e-8 become 0 and small ones are coarse; what is computed forwards is right",
    seen_in="https://github.com/NVlabs/tiny-cuda-nn/issues/472",
)
def _(p):
    after(p, "conv", lambda out, *_: _Half.apply(out))


@fault(
    "third-tv-derivative-unweighted",
    port="numpy",
    recipe="pytorch-blog",
    truth="the derivative of total variation is added without the weight 1e-2; its term has it",
)
def _(p):
    after(p, "losses", lambda out, *_: (out[0], out[1], out[2] / p.tv_weight))
