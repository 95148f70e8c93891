"""Faults in the derivative alone: the loss is right."""

# ruff: noqa: ARG005

import numpy as np

from ..changes import after
from ..faults import fault


@fault(
    "backward-guided",
    port="numpy",
    recipe="gatys",
    truth="the ReLU's derivative also drops negative derivatives (guided backpropagation)",
)
def _(p):
    after(p, "relu_backward", lambda out, *_: np.maximum(out, 0))


@fault(
    "backward-unflipped-kernel",
    port="numpy",
    recipe="pytorch-blog",
    truth="the convolution's derivative uses kernels that are not turned by 180 degrees",
)
def _(p):
    p.conv_backward = lambda d, below, name: p.correlate(d, np.ascontiguousarray(p.kernels[name].transpose(0, 1, 3, 2)))


@fault(
    "backward-pool-no-quarter",
    port="numpy",
    recipe="gatys",
    hands_over="loss and gradient",
    truth="average pooling hands its derivative to all four pixels without dividing by 4",
)
def _(p):
    after(p, "pool_backward", lambda out, *_: 4 * out)


@fault(
    "backward-max-first",
    port="numpy",
    recipe="d2l",
    truth="max pooling's derivative always goes to the upper left pixel of the window",
)
def _(p):
    def pool_backward(d, x, name):
        out, (h, w) = np.zeros(x.shape), d.shape[:2]
        out[: 2 * h : 2, : 2 * w : 2] = d
        return out

    p.pool_backward = pool_backward


@fault(
    "backward-gram-no-two",
    port="numpy",
    recipe="neural-style",
    hands_over="loss and gradient",
    truth="the derivative of F^T F is taken as F dG / M: the factor 2 is missing",
)
def _(p):
    after(p, "gram_backward", lambda out, *_: out / 2)


@fault("backward-tv-sign", port="numpy", recipe="d2l", truth="the derivative of total variation has the wrong sign")
def _(p):
    after(p, "tv", lambda out, _: (out[0], -out[1]))


@fault(
    "gradient-content-detached",
    port="torch",
    recipe="gatys",
    truth="the content term is detached: it counts in the loss, not in the derivative",
)
def _(p):
    after(p, "content_loss", lambda out, *_: out.detach())


@fault(
    "gradient-tv-detached",
    port="torch",
    recipe="d2l",
    truth="total variation is computed on a copy: it counts in the loss, not in the derivative",
)
def _(p):
    after(p, "tv", lambda out, _: out.detach())


@fault(
    "gradient-of-input",
    port="torch",
    recipe="pytorch-blog",
    hands_over="without features",
    truth="the derivative is with respect to the network's input (BGR) instead of the pixels",
)
def _(p):
    def evaluate(pixels):
        x = p.to_input(pixels.detach()).requires_grad_()
        features = p.features(x)
        terms = p.losses(((x * p.unit + p.caffe_mean) / 255).flip(1).sub(p.mean) / p.std, features)
        total = p.total(terms)
        gradient, *whole = p.differentiate(total, [x, *features.values()])
        return x, features, terms, total, dict(zip(features, whole, strict=True)), gradient

    p.evaluate = evaluate
