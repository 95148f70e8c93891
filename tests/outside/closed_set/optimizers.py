"""Faults in Adam and in what wraps L-BFGS."""

import numpy as np
import torch

from ..changes import OPTIMIZERS, WIKI, after, clamped, torch_lbfgs, update_by, with_torch
from ..faults import fault


@fault(
    "adam-as-in-keras",
    port="numpy",
    recipe="d2l",
    truth="epsilon is 1e-7 and is added to sqrt(v) before the bias correction (Keras' form)",
    seen_in="https://github.com/tensorflow/tensorflow/issues/9047",
)
def _(p):
    def update(s, m, v, t):
        rate = p.rate_at(t - 1) * np.sqrt(1 - s["beta2"] ** t) / (1 - s["beta1"] ** t)
        return rate * m / (np.sqrt(v) + 1e-7)

    update_by(p, update)


@fault(
    "adam-step-off-by-one",
    port="numpy",
    recipe="neural-style",
    truth="the bias corrections count the first step as step 2",
)
def _(p):
    update_by(
        p,
        lambda s, m, v, t: (
            p.rate_at(t - 1) * m / (1 - s["beta1"] ** (t + 1)) / (np.sqrt(v / (1 - s["beta2"] ** (t + 1))) + s["eps"])
        ),
    )


@fault(
    "adam-no-second-correction",
    port="numpy",
    recipe="keras-notebook",
    **OPTIMIZERS,
    truth="only the first average is bias-corrected",
)
def _(p):
    update_by(p, lambda s, m, v, t: p.rate_at(t - 1) * m / (1 - s["beta1"] ** t) / (np.sqrt(v) + s["eps"]))


@fault("adam-betas-099", port="numpy", recipe="gatys", truth="beta1 is 0.99 instead of 0.9", seen_in=WIKI)
def _(p):
    p.adam_settings["beta1"] = 0.99


@fault(
    "adam-sgd",
    port="torch",
    recipe="neural-style",
    truth="plain gradient descent with the same rate",
    seen_in="https://github.com/nfmcclure/tensorflow_cookbook/pull/73",
)
def _(p):
    with_torch(p, lambda x: torch.optim.SGD([x], lr=p.lr))


@fault(
    "adam-gradients-pile-up", port="torch", recipe="d2l", truth="gradients are not set to zero between steps and add up"
)
def _(p):
    healthy = p.adam

    def adam(pixels, gradient, steps=5):
        piled = [0]

        def sum_of(x):
            total, g = gradient(x)
            piled[0] = piled[0] + g
            return total, piled[0]

        return healthy(pixels, sum_of, steps)

    p.adam = adam


@fault(
    "adam-forgets",
    port="torch",
    recipe="pytorch-blog",
    **OPTIMIZERS,
    truth="the optimizer is made anew at every step, so its averages are lost",
)
def _(p):
    def adam(pixels, gradient, steps=5):
        x = pixels.detach().clone().requires_grad_()
        for step in range(1, steps + 1):
            optimizer = p.make_adam(x)
            x.grad = gradient(x)[1].clone()
            given = x.grad.clone()
            optimizer.step()
            yield step, given, x.detach().clone()

    p.adam = adam


@fault(
    "adam-clamped-unit",
    port="torch",
    recipe="d2l",
    truth="pixels are clamped to [0, 1] after each step, though they are normalised values",
    seen_in="https://pytorch.org/tutorials/advanced/neural_style_tutorial.html",
)
def _(p):
    clamped(p, lambda x: x.clamp(0, 1))


@fault(
    "adam-first-step-plain",
    port="numpy",
    recipe="pytorch-blog",
    **OPTIMIZERS,
    truth="v starts as the first squared gradient and is bias-corrected all the same",
)
def _(p):
    def adam_update(g, step):
        s = p.adam_settings
        p.m = s["beta1"] * (p.m if step > 1 else 0) + (1 - s["beta1"]) * g
        p.v = s["beta2"] * p.v + (1 - s["beta2"]) * g**2 if step > 1 else g**2
        m, v = p.m / (1 - s["beta1"] ** step), p.v / (1 - s["beta2"] ** step)
        return p.rate_at(step - 1) * m / (np.sqrt(v) + s["eps"])

    p.adam_update = adam_update


@fault("lbfgs-memory-3", port="numpy", recipe="gatys", **OPTIMIZERS, truth="L-BFGS keeps 3 corrections instead of 10")
def _(p):
    p.memory = 3


@fault(
    "lbfgs-not-restarted",
    port="numpy",
    recipe="keras-notebook",
    **OPTIMIZERS,
    truth="L-BFGS runs in one go instead of calls of 20 evaluations",
)
def _(p):
    p.maxfun = None


@fault(
    "lbfgs-gradient-chw",
    port="torch",
    recipe="neural-style",
    **OPTIMIZERS,
    truth="the gradient is flattened in the order channel, height, width, the picture in height, width, channel",
)
def _(p):
    flatten, first = p.flatten, [True]

    def mixed(x):
        if first[0]:  # the start
            first[0] = False
            return flatten(x)
        return x.detach().reshape(-1).numpy().astype(np.float64)

    p.flatten = mixed


@fault(
    "lbfgs-gradient-transposed",
    port="numpy",
    recipe="gatys",
    truth="the gradient is flattened in column-major order, the picture in row-major order",
)
def _(p):
    healthy, first = p.flatten, [True]

    def mixed(x):
        if first[0]:
            first[0] = False
            return healthy(x)
        return np.asarray(x, np.float64).ravel(order="F")

    p.flatten = mixed


@fault(
    "lbfgs-clamped-closure",
    port="torch",
    recipe="neural-style",
    truth="the picture is clamped to 0..255 (less the means) inside the objective",
    seen_in="https://github.com/pytorch/tutorials/issues/143",
)
def _(p):
    after(p, "unflatten", lambda out, *_: (out + p.caffe_mean).clamp(0, 255) - p.caffe_mean)


@fault(
    "lbfgs-of-torch-wolfe",
    port="torch",
    recipe="d2l",
    **OPTIMIZERS,
    truth="PyTorch's own L-BFGS with a strong Wolfe line search in place of SciPy's",
    seen_in="https://github.com/pytorch/pytorch/pull/8824",
)
def _(p):
    torch_lbfgs(p, line_search_fn="strong_wolfe")


@fault(
    "lbfgs-stale-gradient",
    port="numpy",
    recipe="keras-notebook",
    truth="loss and gradient are cached by two calls, and each gradient is that of the point before",
    seen_in="https://github.com/keras-team/keras/issues/3340",
)
def _(p):
    healthy = p.lbfgs

    def lbfgs(pixels, gradient, evaluations=24):
        last = [None]

        def stale(x):
            loss, g = gradient(x)
            given, last[0] = (g if last[0] is None else last[0]), g
            return loss, given

        return healthy(pixels, stale, evaluations)

    p.lbfgs = lbfgs


@fault(
    "lbfgs-picture-spoilt",
    port="numpy",
    recipe="neural-style",
    hands_over="without features",
    truth="showing the progress adds the means to the picture in place: from the second point on it is too light",
    seen_in="https://github.com/keras-team/keras/issues/3340",
)
def _(p):
    healthy, count = p.unflatten, [0]

    def unflatten(v, shape):
        count[0] += 1
        return healthy(v, shape) + (p.mean if count[0] > 2 else 0)

    p.unflatten = unflatten
