"""Faults in Adam and in what wraps L-BFGS."""

# ruff: noqa: ARG005

from contextlib import suppress

import numpy as np
from scipy.optimize import Bounds, fmin_l_bfgs_b, minimize

from ..changes import OPTIMIZERS, after
from ..faults import fault
from ..numpy_port import MEAN_BGR


@fault(
    "later-adam-no-staircase",
    port="torch",
    recipe="d2l",
    truth="the rate falls a little after every step, as 0.8^(step / 50), instead of by 0.8 every 50 steps",
    seen_in="https://github.com/MaybeShewill-CV/lanenet-lane-detection/issues/255",
)
def _(p):
    p.rate_at = lambda step: p.lr * p.gamma ** (step / p.step_size)


@fault(
    "later-adam-ascent",
    port="numpy",
    recipe="pytorch-blog",
    **OPTIMIZERS,
    truth="Adam's step has the wrong sign: it is added instead of subtracted",
    seen_in="https://github.com/FluxML/Flux.jl/pull/1290",
)
def _(p):
    after(p, "adam_update", lambda out, *_: -out)


@fault(
    "later-lbfgs-bounds",
    port="torch",
    recipe="gatys",
    truth="L-BFGS-B is given bounds that keep every pixel within 0..255 (less the means)",
    seen_in="https://github.com/fzliu/style-transfer/issues/59",
)
def _(p):
    def lbfgs(pixels, gradient, evaluations=24):
        seen, lowest = [], -np.tile(MEAN_BGR, pixels.shape[2] * pixels.shape[3])

        def objective(v):
            if len(seen) == evaluations:
                raise StopIteration
            x = p.unflatten(v, pixels)
            loss, g = gradient(x)
            seen.append((_hwc(x), float(loss.detach()), _hwc(g)))
            return float(loss.detach()), p.flatten(g)

        options = {"jac": True, "method": "L-BFGS-B", "bounds": Bounds(lowest, lowest + 255)}
        with suppress(StopIteration):
            minimize(objective, p.flatten(pixels), options=p.lbfgs_options(), **options)
        return [np.stack(column) for column in zip(*seen, strict=True)]

    p.lbfgs = lbfgs


@fault(
    "later-adam-betas-exchanged",
    port="numpy",
    recipe="neural-style",
    **OPTIMIZERS,
    truth="beta1 and beta2 are exchanged: 0.999 and 0.9",
)
def _(p):
    p.adam_settings |= {"beta1": 0.999, "beta2": 0.9}


@fault(
    "later-lbfgs-saved-between-calls",
    port="numpy",
    recipe="keras-notebook",
    truth="between two calls of L-BFGS the picture is saved and read again: rounded to 8 bits and clipped to 0..255",
)
def _(p):
    def lbfgs(pixels, gradient, evaluations=24):
        seen, start = [], p.flatten(pixels)

        def objective(v):
            if len(seen) == evaluations:
                raise StopIteration
            loss, g = gradient(p.unflatten(v, pixels.shape))
            seen.append((p.unflatten(v, pixels.shape).copy(), loss, g))
            return float(loss), p.flatten(g)

        try:
            while len(seen) < evaluations:
                end, _, _ = fmin_l_bfgs_b(objective, start, **p.lbfgs_options(10**6))
                start = p.flatten(np.clip(np.rint(p.unflatten(end, pixels.shape) + MEAN_BGR), 0, 255) - MEAN_BGR)
        except StopIteration:
            pass
        return [np.stack(column) for column in zip(*seen, strict=True)]

    p.lbfgs = lbfgs


@fault(
    "later-adam-gradient-once",
    port="torch",
    recipe="pytorch-blog",
    truth="Adam's gradient is computed once, before the first step, and used in every step",
)
def _(p):
    healthy = p.adam

    def adam(pixels, gradient, steps=5):
        first = gradient(pixels)
        return healthy(pixels, lambda x: first, steps)

    p.adam = adam


def _hwc(x):
    return x.detach()[0].permute(1, 2, 0).numpy().copy()
