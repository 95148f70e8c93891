"""Faults in the Gram matrices, the terms of the loss and their coefficients."""

# ruff: noqa: ARG005

import torch
import torch.nn.functional as nn

from ..changes import GATYS_PT, after, scaled_content, scaled_gram, scaled_style, scaled_tv, tv_power
from ..faults import fault


@fault(
    "gram-over-mc",
    hands_over="without optimizers",
    port="numpy",
    recipe="neural-style",
    truth="Gram matrices are divided by M C and the term's 1/C^4 stays, so C is divided out twice more",
    seen_in=GATYS_PT,
)
def _(p):
    scaled_gram(p, lambda h, w, c: 1 / c)


@fault(
    "gram-channels-mixed",
    hands_over="loss and gradient",
    port="numpy",
    recipe="keras-notebook",
    truth="(H, W, C) is reshaped to (C, H W) without a transpose, so the rows mix channels",
    seen_in="https://github.com/marcopeix/Deep_Learning_AI/issues/1",
)
def _(p):
    def gram(f):
        flat = f.reshape(f.shape[-1], -1)
        return flat @ flat.T / flat.shape[1]

    def gram_backward(f, d):
        flat = f.reshape(f.shape[-1], -1)
        return ((d + d.T) @ flat / flat.shape[1]).reshape(f.shape)

    p.gram, p.gram_backward = gram, gram_backward


@fault(
    "gram-channels-mixed-nchw",
    hands_over="without features",
    port="torch",
    recipe="d2l",
    truth="(C, H, W) is viewed as (H W, C) without a permute, so the columns mix channels",
    seen_in="https://github.com/marcopeix/Deep_Learning_AI/issues/1",
)
def _(p):
    def gram(f):
        flat = f[0].reshape(-1, f.shape[1])
        return flat.T @ flat / flat.shape[0]

    p.gram = gram


@fault(
    "gram-unit-rows",
    port="torch",
    recipe="gatys",
    truth="each channel is normalised to length 1 first, so the diagonal is 1 (over M)",
)
def _(p):
    healthy = p.gram
    p.gram = lambda f: healthy(nn.normalize(f.flatten(2), dim=2).reshape(f.shape))


@fault(
    "gram-upper-triangle",
    port="torch",
    recipe="pytorch-blog",
    truth="only the upper triangle of the Gram matrix is filled (BLAS syrk), the lower is zero",
)
def _(p):
    after(p, "gram", lambda out, _: torch.triu(out))


@fault(
    "style-mean-for-sum",
    port="torch",
    recipe="gatys",
    truth="MSE over the Gram matrix where the recipe has sum / (4 C^2): 4 times too large",
    seen_in="https://github.com/leongatys/PytorchNeuralStyleTransfer",
)
def _(p):
    scaled_style(p, lambda h, w, c: 4)


@fault(
    "style-mean-over-taps",
    port="torch",
    recipe="d2l",
    truth="style terms are averaged over the five taps where the recipe sums",
    seen_in="https://github.com/anishathalye/neural-style/issues/68",
)
def _(p):
    scaled_style(p, lambda *_: 1 / 5)


@fault(
    "style-layer-channels-only",
    port="torch",
    recipe="keras-notebook",
    truth="the layer's channels C replace the picture's 3 channels in 1 / (4 3^2 (H W)^2)",
    hands_over="without features",
    seen_in="http://forums.fast.ai/t/quick-math-question-for-the-style-loss-function-in-artistic-neural-style-transfer/2881",
)
def _(p):
    scaled_style(p, lambda h, w, c: 9 / c**2)


@fault(
    "style-no-four",
    port="numpy",
    recipe="keras-notebook",
    hands_over="losses alone",
    truth="the 4 is missing in 1 / (4 3^2 (H W)^2)",
    seen_in="https://github.com/apache/mxnet/issues/2436",
)
def _(p):
    scaled_style(p, lambda *_: 4)


@fault(
    "style-l1",
    hands_over="losses alone",
    port="torch",
    recipe="neural-style",
    truth="absolute instead of squared differences of the Gram matrices",
)
def _(p):
    p.style_loss = lambda f, target, positions, pixels: (
        p.style_k(f, positions, pixels) * (p.gram(f) - target).abs().sum()
    )


@fault(
    "style-norm-not-squared",
    hands_over="loss and gradient",
    port="torch",
    recipe="gatys",
    truth="the Frobenius norm of the difference, not its square",
    seen_in="d2l-zh before commit 79d027a0, chapter_computer-vision/neural-style.md",
)
def _(p):
    p.style_loss = lambda f, target, positions, pixels: (
        p.style_k(f, positions, pixels) * (p.gram(f) - target).square().sum().sqrt()
    )


@fault(
    "style-weight-of-gluonbook",
    hands_over="loss and gradient",
    port="numpy",
    recipe="d2l",
    truth="the style weight is 1e3 instead of 1e4",
    seen_in="https://zh.d2l.ai/chapter_computer-vision/neural-style.html",
)
def _(p):
    p.style_weight = 1e3


@fault(
    "weights-exchanged",
    hands_over="without optimizers",
    port="torch",
    recipe="neural-style",
    truth="content and style weight are exchanged (100 and 5)",
    seen_in="https://github.com/gabrielelanaro/ml-prototypes/pull/43",
)
def _(p):
    p.content_weight, p.style_weight = p.style_weight, p.content_weight


@fault(
    "content-mean",
    hands_over="losses alone",
    port="torch",
    recipe="gatys",
    truth="the content term is a mean instead of half a sum",
    seen_in="https://github.com/https-deeplearning-ai/tensorflow-3/issues/20",
)
def _(p):
    scaled_content(p, lambda h, w, c: 2 / (h * w * c))


@fault(
    "content-sum",
    port="torch",
    recipe="d2l",
    hands_over="losses alone",
    truth="the content term is a sum, not a mean",
    seen_in="https://github.com/ceshine/fast-neural-style/issues/4",
)
def _(p):
    scaled_content(p, lambda h, w, c: h * w * c)


@fault(
    "content-over-positions",
    port="numpy",
    recipe="neural-style",
    hands_over="without features",
    truth="the content term is averaged over positions, but summed over channels",
)
def _(p):
    scaled_content(p, lambda h, w, c: c)


@fault(
    "content-against-style",
    hands_over="without optimizers",
    port="torch",
    recipe="pytorch-blog",
    truth="the content term compares with the style picture's features",
)
def _(p):
    healthy = p.targets

    def targets(content, style, size):
        healthy(style, style, size)

    p.targets = targets


@fault(
    "tv-no-half",
    hands_over="losses alone",
    port="numpy",
    recipe="d2l",
    truth="the factor 1/2 of the two means is missing",
)
def _(p):
    scaled_tv(p, lambda _: 2)


@fault(
    "tv-sum-in-d2l",
    port="torch",
    recipe="d2l",
    hands_over="loss and gradient",
    truth="total variation sums absolute differences where the recipe averages them",
)
def _(p):
    p.tv = lambda x: ((x[:, :, 1:] - x[:, :, :-1]).abs().sum() + (x[..., 1:] - x[..., :-1]).abs().sum()) / 2


@fault(
    "tv-squares",
    hands_over="without features",
    port="torch",
    recipe="pytorch-blog",
    truth="total variation sums squared instead of absolute differences",
    seen_in="https://github.com/jcjohnson/neural-style: nn.TVLoss",
)
def _(p):
    p.tv = lambda x: (x[:, :, 1:] - x[:, :, :-1]).square().sum() + (x[..., 1:] - x[..., :-1]).square().sum()


@fault(
    "tv-wraps-around",
    port="torch",
    recipe="pytorch-blog",
    hands_over="without features",
    truth="differences are taken with roll, so the last row and column are compared with the first",
)
def _(p):
    p.tv = lambda x: (x.roll(-1, 2) - x).abs().sum() + (x.roll(-1, 3) - x).abs().sum()


@fault(
    "tv-power-half",
    port="numpy",
    recipe="keras-notebook",
    hands_over="losses alone",
    truth="the power of the total variation is 0.5 (the usual isotropic form) instead of 1.25",
)
def _(p):
    tv_power(p, 0.5)


@fault(
    "tv-of-caffe-unit",
    port="numpy",
    recipe="keras-notebook",
    truth="total variation is taken of pixels in [0, 1] (divided by 255) instead of 0..255",
)
def _(p):
    healthy = p.tv

    def tv(x):
        value, slope = healthy(x / 255)
        return value, slope / 255

    p.tv = tv


@fault(
    "total-without-tv",
    port="torch",
    recipe="d2l",
    hands_over="without features",
    truth="the total leaves out the total variation (only its term is computed)",
)
def _(p):
    p.total = lambda terms: sum(value for name, value in terms.items() if name != "tv")
