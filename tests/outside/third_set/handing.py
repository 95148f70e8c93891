"""Faults in names, order and choice of what is handed over; the port itself is right."""

import numpy as np

from ..changes import OPTIMIZERS, after, handed
from ..faults import fault


@fault(
    "third-handed-from-the-log",
    port="torch",
    recipe="keras-notebook",
    hands_over="losses alone",
    truth="the losses are copied from what was printed, with four significant digits",
)
def _(p):
    handed(p, lambda name, value: float(f"{value:.4g}") if name.startswith("loss/") else value)


@fault(
    "third-handed-input-rgb",
    port="numpy",
    recipe="d2l",
    truth="the input is handed over in the order RGB; what the network gets is BGR, as it should",
)
def _(p):
    handed(p, lambda name, value: value[..., ::-1] if name == "input" else value)


@fault(
    "third-handed-one-buffer",
    port="numpy",
    recipe="gatys",
    truth="the points of L-BFGS are kept as references to one buffer, so all of them are handed over as the last one; "
    "losses and gradients are right",
    seen_in="https://github.com/scipy/scipy/pull/10757",
)
def _(p):
    after(p, "lbfgs", lambda out, *_: [np.broadcast_to(out[0][-1], out[0].shape).copy(), *out[1:]])


@fault(
    "third-handed-bottom-up",
    port="torch",
    recipe="neural-style",
    hands_over="without optimizers",
    truth="feature maps are read back from the GPU with their lowest row first (glReadPixels), so those handed over "
    "are upside down; what is computed is right",
    seen_in="https://github.com/gpujs/gpu.js/issues/461",
)
def _(p):
    handed(p, lambda name, value: value[..., ::-1, :] if name.startswith("features/") else value)


@fault(
    "third-handed-gradient-after-step",
    port="numpy",
    recipe="keras-notebook",
    **OPTIMIZERS,
    truth="adam/k/gradient is the gradient at the point after step k instead of the one that the step is taken from",
)
def _(p):
    healthy = p.adam

    def adam(pixels, gradient, steps=5):
        for step, _, x in healthy(pixels, gradient, steps):
            yield step, gradient(x)[1], x

    p.adam = adam
