"""Faults in names, order and choice of what is handed over; the port itself is right."""

from contextlib import suppress

import numpy as np
from scipy.optimize import minimize

from ..changes import OPTIMIZERS, after, handed
from ..faults import fault


@fault(
    "later-handed-tv-is-content",
    port="numpy",
    recipe="d2l",
    truth="what is handed over as loss/tv is the content term, from a wrong index; the total is right",
    seen_in="https://github.com/xunhuang1995/AdaIN-style/issues/36",
)
def _(p):
    kept = {}

    def give(name, value):
        kept[name] = value
        return kept["loss/content/relu4_4"] if name == "loss/tv" else value

    handed(p, give)


@fault(
    "later-handed-inputs-of-layers",
    port="torch",
    recipe="gatys",
    hands_over="without optimizers",
    truth="the hooks kept every layer's input instead of its output, so each of the feature maps handed over is "
    "that of the layer before (of conv1_1 the network's input); what is computed is right",
    seen_in="https://github.com/facebookresearch/kill-the-bits/issues/35",
)
def _(p):
    last = []

    def give(name, value):
        if name == "input" or name.startswith("features/"):
            last.append(value)
        return last[-2] if name.startswith("features/") else value

    handed(p, give)


@fault(
    "later-handed-iterates",
    port="torch",
    recipe="neural-style",
    truth="of L-BFGS the start and the points at the end of its iterations are handed over (SciPy's callback), "
    "not every point that it evaluates",
    seen_in="https://github.com/scipy/scipy/issues/12890",
)
def _(p):
    def lbfgs(pixels, gradient, evaluations=24):
        seen, accepted = [], []

        def objective(v):
            if len(seen) == evaluations:
                raise StopIteration
            x = p.unflatten(v, pixels)
            loss, g = gradient(x)
            seen.append([part.detach()[0].permute(1, 2, 0).numpy().copy() for part in (x, g)])
            seen[-1].insert(1, float(loss.detach()))
            accepted[:] = accepted or seen[:1]
            return float(loss.detach()), p.flatten(g)

        options = {"jac": True, "method": "L-BFGS-B", "options": p.lbfgs_options()}
        with suppress(StopIteration):
            minimize(objective, p.flatten(pixels), callback=lambda _: accepted.append(seen[-1]), **options)
        return [np.stack(column) for column in zip(*accepted, strict=True)]

    p.lbfgs = lbfgs


@fault(
    "later-handed-own-derivative",
    port="numpy",
    recipe="gatys",
    truth="the derivative handed over at a tap is that of the tap's own term, without what comes from deeper taps; "
    "the pixels' is right",
)
def _(p):
    kept = {}
    after(p, "losses", lambda out, *_: kept.update(out[1]) or out)
    after(p, "evaluate", lambda out, *_: (*out[:4], out[4] | kept, out[5]))


@fault(
    "later-handed-adam-from-zero",
    port="torch",
    recipe="d2l",
    **OPTIMIZERS,
    truth="Adam's steps are numbered from 0 when they are handed over: adam/1 is the second step",
)
def _(p):
    def give(name, value):
        if not name.startswith("adam/"):
            return value
        _, step, what = name.split("/")
        return {f"adam/{int(step) - 1}/{what}": value}

    handed(p, give)


@fault(
    "later-handed-targets-are-grams",
    port="numpy",
    recipe="keras-notebook",
    hands_over="without features",
    truth="what is handed over as the style targets are the Gram matrices of the image; the loss is right",
)
def _(p):
    kept = {}

    def give(name, value):
        kept[name] = value
        return kept[name.replace("target/style", "gram")] if name.startswith("target/style") else value

    handed(p, give)
