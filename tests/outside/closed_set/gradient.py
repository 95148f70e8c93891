"""Faults in the derivative alone: the loss is right."""

# ruff: noqa: ARG005

import numpy as np

from ..changes import after
from ..faults import fault


@fault(
    "backward-no-relu",
    port="numpy",
    recipe="neural-style",
    truth="the ReLU passes every derivative, whatever its input was",
)
def _(p):
    p.relu_backward = lambda d, x, name: d


@fault(
    "backward-max-spread",
    port="numpy",
    recipe="keras-notebook",
    truth="max pooling's derivative is spread evenly over the window instead of given to the largest",
)
def _(p):
    def pool_backward(d, x, name):
        out, (h, w) = np.zeros(x.shape), d.shape[:2]
        out[: 2 * h, : 2 * w] = np.repeat(np.repeat(d, 2, 0), 2, 1) / 4
        return out

    p.pool_backward = pool_backward


@fault(
    "backward-no-deviation",
    port="numpy",
    recipe="pytorch-blog",
    truth="the deviations are forgotten on the way from the input's derivative to the pixels'",
)
def _(p):
    p.input_backward = lambda d: d[..., ::-1] * p.scale / p.unit


@fault(
    "backward-channels-not-reversed",
    port="numpy",
    recipe="d2l",
    hands_over="loss and gradient",
    truth="the derivative's channels are not turned back from BGR to RGB",
)
def _(p):
    after(p, "input_backward", lambda out, _: out[..., ::-1])


@fault(
    "gradient-l1-normalised",
    port="torch",
    recipe="neural-style",
    hands_over="loss and gradient",
    truth="the derivative is divided by its mean absolute value",
    seen_in="d2l-zh before commit 79d027a0, chapter_computer-vision/neural-style.md",
)
def _(p):
    after(p, "evaluate", lambda out, _: (*out[:-1], out[-1] / (out[-1].abs().mean() + 1e-8)))


@fault(
    "gradient-clipped",
    port="torch",
    recipe="gatys",
    truth="the derivative is clipped to a norm of 10",
    seen_in="plausible",
)
def _(p):
    after(p, "evaluate", lambda out, _: (*out[:-1], out[-1] * (10 / out[-1].norm()).clamp(max=1)))


@fault(
    "gradient-half-gram",
    port="torch",
    recipe="d2l",
    truth="one factor of the Gram matrix is detached, so its derivative has half the size",
)
def _(p):
    def gram(f):
        flat = f[0].flatten(1)
        return flat @ flat.detach().T / flat.shape[1]

    p.gram = gram
