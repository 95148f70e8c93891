"""Faults in precision, layout and names of what is handed over; the port itself may be right."""

import numpy as np

from ..changes import after, handed
from ..faults import fault


@fault(
    "computed-float16",
    port="torch",
    recipe="neural-style",
    hands_over="features and loss",
    truth="feature maps are rounded to float16 after every convolution",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/97",
)
def _(p):
    after(p, "conv", lambda out, *_: out.half().double())


@fault(
    "computed-bfloat16",
    port="torch",
    recipe="gatys",
    truth="feature maps are rounded to bfloat16 after every convolution",
)
def _(p):
    after(p, "conv", lambda out, *_: out.bfloat16().double())


@fault(
    "gradient-reshaped-nhwc",
    port="torch",
    recipe="gatys",
    hands_over="loss and gradient",
    truth="the pixels' gradient in memory order (C, H, W) is labelled (H, W, C) by a reshape",
)
def _(p):
    handed(p, lambda name, v: v[0].reshape(*v.shape[2:], 3) if name == "gradient/pixels" else v)


@fault(
    "terms-without-weights",
    port="numpy",
    recipe="neural-style",
    hands_over="images and loss",
    truth="the terms are handed over without their weights (5, 100, 1e-3); the total has them",
)
def _(p):
    weights = {"content": p.content_weight, "style": p.style_weight, "tv": p.tv_weight}
    handed(p, lambda name, v: v / weights[name.split("/")[1]] if name[:5] == "loss/" and name != "loss/total" else v)


@fault(
    "pixels-handed-as-rgb",
    port="torch",
    recipe="neural-style",
    hands_over="without features",
    truth="pixels are handed over as RGB in [0, 1] instead of BGR less the means; what is computed is right",
)
def _(p):
    means = p.caffe_mean.numpy()
    handed(p, lambda name, v: (v + means)[:, ::-1] / 255 if name == "pixels" else v)


@fault(
    "names-content-style-exchanged",
    port="numpy",
    recipe="gatys",
    hands_over="images and loss",
    truth="content/resized and style/resized are handed over under each other's name",
)
def _(p):
    other = {"content/resized": "style/resized", "style/resized": "content/resized"}
    handed(p, lambda name, v: {other.get(name, name): v})


@fault(
    "relu-handed-as-conv",
    port="numpy",
    recipe="d2l",
    hands_over="features and loss",
    truth="in-place ReLUs: what is handed over as conv is the ReLU's output; the loss is right",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/44",
)
def _(p):
    before = [f"features/conv{block}_{place}" for block in range(1, 5) for place in range(1, 5)]
    handed(p, lambda name, v: np.maximum(v, 0) if name in before else v)


@fault(
    "loss-per-pixel",
    port="numpy",
    recipe="d2l",
    hands_over="losses alone",
    truth="all losses are handed over divided by the number of pixels, H W",
)
def _(p):
    size = [1]

    def remember(out, _):
        size[0] = out.shape[0] * out.shape[1]
        return out

    after(p, "to_pixels", remember)
    handed(p, lambda name, v: v / size[0] if name.startswith("loss/") else v)


@fault(
    "lbfgs-handed-float16",
    port="numpy",
    recipe="gatys",
    hands_over="optimizers",
    truth="the points of L-BFGS are handed over in float16",
)
def _(p):
    handed(p, lambda name, v: v.astype(np.float16) if name == "lbfgs/pixels" else v)
