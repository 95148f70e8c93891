"""Faults in Adam and in what wraps L-BFGS."""

from contextlib import suppress

import numpy as np
from scipy.optimize import minimize

from ..changes import OPTIMIZERS, update_by
from ..faults import fault


@fault(
    "third-adam-averaged",
    port="torch",
    recipe="pytorch-blog",
    **OPTIMIZERS,
    truth="the picture after each step is the moving average of all points so far (decay 0.99, bias-corrected) "
    "instead of Adam's own point; the gradients are taken at Adam's points",
    seen_in="https://github.com/crowsonkb/style-transfer-pytorch",
)
def _(p):
    healthy = p.adam

    def adam(pixels, gradient, steps=5):
        biased, weight = 0.01 * pixels.detach(), 0.01
        for step, given, x in healthy(pixels, gradient, steps):
            biased, weight = 0.99 * biased + 0.01 * x, 0.99 * weight + 0.01
            yield step, given, biased / weight

    p.adam = adam


@fault(
    "third-adam-in-rgb",
    port="torch",
    recipe="d2l",
    truth="Adam's variable is the RGB picture in [0, 1] with the rate 0.3, not the normalised pixels, "
    "so a step in pixels is larger by 1 / 0.229, 1 / 0.224 and 1 / 0.225",
)
def _(p):
    def adam(pixels, gradient, steps=5):
        rgb = (pixels.detach() * p.std + p.mean).requires_grad_()
        optimizer = p.make_adam(rgb)
        for step in range(1, steps + 1):
            optimizer.param_groups[0]["lr"] = p.rate_at(step - 1)
            given = gradient((rgb.detach() - p.mean) / p.std)[1].clone()
            rgb.grad = given / p.std
            optimizer.step()
            yield step, given, (rgb.detach() - p.mean) / p.std

    p.adam = adam


@fault(
    "third-adam-v-squared",
    port="numpy",
    recipe="neural-style",
    **OPTIMIZERS,
    truth="the step is divided by the square of v instead of its root",
    seen_in="https://github.com/torch/optim/pull/48",
)
def _(p):
    def update(s, m, v, step):
        m, v = m / (1 - s["beta1"] ** step), v / (1 - s["beta2"] ** step)
        return p.rate_at(step - 1) * m / (v**2 + s["eps"])

    update_by(p, update)


@fault(
    "third-adam-warm-up",
    port="numpy",
    recipe="d2l",
    truth="the rate is warmed up linearly over the first ten steps: 0.03, 0.06, 0.09, ... "
    "instead of 0.3 from the start",
    seen_in="https://github.com/ArgonneCPAC/diffmah/pull/57",
)
def _(p):
    healthy = p.rate_at
    p.rate_at = lambda step: healthy(step) * min(1, (step + 1) / 10)


@fault(
    "third-conjugate-gradients",
    port="torch",
    recipe="gatys",
    **OPTIMIZERS,
    truth="SciPy's conjugate gradients (method CG) in place of L-BFGS",
)
def _(p):
    def lbfgs(pixels, gradient, evaluations=24):
        seen = []

        def objective(v):
            if len(seen) == evaluations:
                raise StopIteration
            x = p.unflatten(v, pixels)
            loss, g = gradient(x)
            seen.append((_hwc(x), float(loss.detach()), _hwc(g)))
            return float(loss.detach()), p.flatten(g)

        with suppress(StopIteration):
            minimize(objective, p.flatten(pixels), jac=True, method="CG", options={"gtol": 0, "maxiter": 10**6})
        return [np.stack(column) for column in zip(*seen, strict=True)]

    p.lbfgs = lbfgs


@fault(
    "third-lbfgs-loss-without-tv",
    port="numpy",
    recipe="pytorch-blog",
    truth="the loss that L-BFGS is given leaves out total variation, the gradient has it",
    seen_in="https://github.com/jcjohnson/neural-style/issues/219",
)
def _(p):
    healthy = p.lbfgs

    def lbfgs(pixels, _, evaluations=24):
        def without_tv(x):
            *_, terms, total, _, gradient = p.evaluate(x)
            return total - terms["tv"], gradient

        return healthy(pixels, without_tv, evaluations)

    p.lbfgs = lbfgs


def _hwc(x):
    return x.detach()[0].permute(1, 2, 0).numpy().copy()
