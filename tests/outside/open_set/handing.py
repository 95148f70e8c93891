"""Faults in precision, layout and names of what is handed over; the port itself may be right."""

# ruff: noqa: ARG005

import numpy as np
import torch

from ..changes import handed
from ..faults import fault


@fault(
    "handed-float16",
    port="numpy",
    recipe="d2l",
    truth="everything is handed over in float16",
    seen_in="https://github.com/apple/coremltools/issues/2251",
)
def _(p):
    handed(p, lambda name, value: value.astype(np.float16))


@fault(
    "computed-tf32",
    port="torch",
    recipe="d2l",
    hands_over="without features",
    truth="inputs of the convolutions are rounded to the 10 bits of TF32",
    seen_in="https://pytorch.org/docs/stable/notes/cuda.html: TensorFloat-32",
)
def _(p):
    healthy = p.conv

    def tf32(x):
        bits = x.detach().float().contiguous().view(torch.int32)
        return x + (((bits + 0x1000) & ~0x1FFF).view(torch.float32).double() - x).detach()

    p.conv = lambda x, name: healthy(tf32(x), name)


@fault(
    "features-transposed",
    port="numpy",
    recipe="neural-style",
    hands_over="without optimizers",
    truth="feature maps are handed over as (width, height, channels), from a column-major language",
)
def _(p):
    handed(p, lambda name, v: v.transpose(1, 0, 2) if name.startswith("features/") else v)


@fault(
    "features-reshaped-nhwc",
    port="torch",
    recipe="keras-notebook",
    hands_over="without optimizers",
    truth="feature maps in memory order (C, H, W) are labelled (H, W, C) by a reshape",
)
def _(p):
    handed(p, lambda name, v: v[0].reshape(*v.shape[2:], v.shape[1]) if name.startswith("features/") else v)


@fault(
    "gradient-negated",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="what is handed over as the gradient is the direction of descent, minus the gradient",
)
def _(p):
    handed(p, lambda name, v: -v if name == "gradient/pixels" else v)


@fault(
    "gram-handed-unnormalised",
    port="torch",
    recipe="keras-notebook",
    hands_over="without optimizers",
    truth="Gram matrices and targets are handed over as sums, not divided by M; the loss is right",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/11",
)
def _(p):
    def change(name, v):
        if not name.startswith(("gram/", "target/style/")):
            return v
        return v * p.style_positions[name.rsplit("/", 1)[1]]

    handed(p, change)


@fault(
    "input-before-unit",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="features and loss",
    truth="the input is handed over before it is divided by 57.63; what the network gets is right",
)
def _(p):
    handed(p, lambda name, v: v * p.unit if name == "input" else v)


@fault(
    "features-of-style",
    port="torch",
    recipe="d2l",
    hands_over="without optimizers",
    truth="hooks kept the style picture's feature maps: the last forward pass before handing over was of it",
)
def _(p):
    targets, kept = p.targets, {}

    def both(content, style, size):
        targets(content, style, size)
        kept.update(p.features(p.to_input(p.to_pixels(style))))

    def change(name, v):
        return kept[name[9:]].detach().numpy() if name.startswith("features/") else v

    p.targets = both
    handed(p, change)


@fault(
    "adam-one-early",
    port="torch",
    recipe="pytorch-blog",
    hands_over="optimizers",
    truth="adam/k/pixels is the variable before step k instead of after it",
)
def _(p):
    healthy = p.adam

    def adam(pixels, gradient, steps=5):
        before = pixels
        for step, g, x in healthy(pixels, gradient, steps):
            yield step, g, before
            before = x

    p.adam = adam


@fault(
    "features-handed-uint8",
    port="torch",
    recipe="gatys",
    hands_over="features and loss",
    truth="feature maps are quantised to 255 steps between 0 and their largest value (saved as pictures)",
)
def _(p):
    def change(name, v):
        top = v.max()
        return np.rint(np.clip(v / top, 0, 1) * 255) / 255 * top if name.startswith("features/relu") else v

    handed(p, change)
