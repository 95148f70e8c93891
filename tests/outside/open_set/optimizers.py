"""Faults in Adam and in what wraps L-BFGS."""

import numpy as np
import torch

from ..changes import OPTIMIZERS, WIKI, after, clamped, torch_lbfgs, update_by, with_torch
from ..faults import fault


@fault("adam-rate-tenth", port="numpy", recipe="d2l", truth="Adam's rate is 0.03 instead of 0.3")
def _(p):
    p.adam_settings["rate"] = 0.03


@fault(
    "adam-eps-tenth", port="torch", recipe="pytorch-blog", truth="Adam's epsilon is 0.1 instead of 1e-8", seen_in=WIKI
)
def _(p):
    p.eps = 0.1


@fault("adam-no-correction", port="numpy", recipe="gatys", truth="Adam has no bias correction")
def _(p):
    update_by(p, lambda s, m, v, t: p.rate_at(t - 1) * m / (np.sqrt(v) + s["eps"]))


@fault("adam-beta1", port="torch", recipe="gatys", truth="beta1 is 0.5 instead of 0.9")
def _(p):
    p.betas = (0.5, 0.999)


@fault(
    "adam-beta2",
    port="torch",
    recipe="neural-style",
    **OPTIMIZERS,
    truth="beta2 is 0.99 instead of 0.999",
    seen_in=WIKI,
)
def _(p):
    p.betas = (0.9, 0.99)


@fault("adam-w", port="torch", recipe="d2l", truth="AdamW with its default weight decay 0.01 in place of Adam")
def _(p):
    with_torch(p, lambda x: torch.optim.AdamW([x], lr=p.lr, betas=p.betas, eps=p.eps))


@fault("adam-nadam", port="torch", recipe="pytorch-blog", truth="NAdam in place of Adam")
def _(p):
    with_torch(p, lambda x: torch.optim.NAdam([x], lr=p.lr, betas=p.betas, eps=p.eps))


@fault("adam-rmsprop", port="torch", recipe="gatys", **OPTIMIZERS, truth="RMSprop (alpha 0.99) in place of Adam")
def _(p):
    with_torch(p, lambda x: torch.optim.RMSprop([x], lr=p.lr))


@fault(
    "adam-decay-every-step",
    port="numpy",
    recipe="d2l",
    truth="the rate falls by 0.8 after every step instead of every 50",
    seen_in="https://github.com/apache/mxnet/pull/622",
)
def _(p):
    p.adam_settings["every"] = 1


@fault(
    "adam-clamped-picture",
    port="torch",
    recipe="gatys",
    truth="after each step the picture is clamped to 0..255 (less the means)",
    seen_in="https://www.tensorflow.org/tutorials/generative/style_transfer",
)
def _(p):
    clamped(p, lambda x: (x + p.caffe_mean).clamp(0, 255) - p.caffe_mean)


@fault(
    "lbfgs-memory-scipy-default",
    port="torch",
    recipe="neural-style",
    truth="L-BFGS keeps 10 corrections (SciPy's default) instead of 100",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/7",
)
def _(p):
    p.history = 10


@fault(
    "lbfgs-restarted",
    port="torch",
    recipe="gatys",
    truth="L-BFGS is called for 10 evaluations at a time, each call with an empty memory",
    seen_in="https://github.com/anishathalye/neural-style/pull/79",
)
def _(p):
    p.restart = 10


@fault(
    "lbfgs-stops-early",
    port="torch",
    recipe="d2l",
    **OPTIMIZERS,
    truth="L-BFGS stops when the loss falls by less than 5 percent (a tolerance that is far too wide)",
    seen_in="https://github.com/cysmith/neural-style-tf/issues/39",
)
def _(p):
    after(p, "lbfgs_options", lambda out: {**out, "ftol": 0.05})


@fault(
    "lbfgs-float16-points",
    port="numpy",
    recipe="gatys",
    truth="the points that L-BFGS evaluates are rounded to float16 before the network sees them",
    seen_in="https://github.com/scipy/scipy/pull/18825 (single precision)",
)
def _(p):
    healthy = p.unflatten
    p.unflatten = lambda v, shape: healthy(v, shape).astype(np.float16).astype(np.float64)


@fault(
    "lbfgs-of-torch",
    port="torch",
    recipe="gatys",
    **OPTIMIZERS,
    truth="PyTorch's own L-BFGS (rate 1, no line search) in place of SciPy's",
    seen_in="https://github.com/leongatys/PytorchNeuralStyleTransfer/issues/4",
)
def _(p):
    torch_lbfgs(p)
