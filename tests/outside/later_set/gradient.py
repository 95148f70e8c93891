"""Faults in the derivative alone: the loss is right."""

import numpy as np

from ..changes import after
from ..faults import fault


@fault(
    "later-gradients-normalised",
    port="numpy",
    recipe="neural-style",
    truth="the derivative of each content and style term at its tap is divided by the sum of its absolute values",
    seen_in="https://github.com/jcjohnson/neural-style/issues/326",
)
def _(p):
    def normalised(out, *_):
        terms, seeds, direct = out
        return terms, {layer: seed / np.abs(seed).sum() for layer, seed in seeds.items()}, direct

    after(p, "losses", normalised)


@fault(
    "later-never-unscaled",
    port="torch",
    recipe="d2l",
    truth="the loss is multiplied by 65536 before it is differentiated (a gradient scaler), and no derivative "
    "is divided by it again; the loss that is reported is right",
    seen_in="https://github.com/languini-kitchen/languini-kitchen/pull/7",
)
def _(p):
    healthy = p.differentiate
    p.differentiate = lambda total, variables: healthy(65536 * total, variables)


@fault(
    "later-content-backward-twice",
    port="torch",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="the content term is differentiated twice, alone and in the total: it counts double in the derivative, "
    "once in the loss",
    seen_in="https://github.com/pytorch/tutorials/issues/123",
)
def _(p):
    kept, healthy = {}, p.differentiate
    after(p, "losses", lambda terms, *_: kept.update(terms) or terms)
    p.differentiate = lambda total, variables: healthy(total + kept["content/relu4_2"], variables)


@fault(
    "later-tv-derivative-one-sided",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="the derivative of total variation goes only to the lower and the right neighbour of each difference, "
    "the minus part at the pixel itself is missing",
)
def _(p):
    def tv(out, x):
        dy, dx, d = x[1:] - x[:-1], x[:, 1:] - x[:, :-1], np.zeros_like(x)
        d[1:] += np.sign(dy)
        d[:, 1:] += np.sign(dx)
        return out[0], d

    after(p, "tv", tv)


@fault(
    "later-tap-skips-its-relu",
    port="numpy",
    recipe="keras-notebook",
    hands_over="without optimizers",
    truth="the derivative of a term at a tap behind a ReLU is added in front of that ReLU, so that its own mask "
    "is not applied to it",
)
def _(p):
    def backward(seeds, features, x):
        whole, d = {}, 0
        for index in reversed(range(len(p.layers))):
            name = p.layers[index]
            below = features[p.layers[index - 1]] if index else x
            seed = seeds.get(name, 0)
            whole[name] = d + seed
            if name.startswith("relu"):
                d = (p.relu_backward(d, below, name) if np.ndim(d) else 0) + seed
            elif np.ndim(whole[name]):
                d = getattr(p, name[:4] + "_backward")(whole[name], below, name)
        return d, whole

    p.backward = backward


@fault(
    "later-one-style-term-detached",
    port="torch",
    recipe="keras-notebook",
    truth="the style term of relu3_4 is detached: it counts in the loss, not in the derivative",
)
def _(p):
    healthy = p.losses
    p.losses = lambda pixels, features: healthy(pixels, features | {"relu3_4": features["relu3_4"].detach()})
