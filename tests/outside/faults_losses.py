"""Faults in the Gram matrices, the terms of the loss and their coefficients."""

# ruff: noqa: ARG005

import numpy as np
import torch
import torch.nn.functional as nn

from .faults import after, fault

GATYS_PT = "https://github.com/leongatys/PytorchNeuralStyleTransfer/issues/14"
LENGSTROM = "https://github.com/lengstrom/fast-style-transfer"
CYSMITH = "https://github.com/cysmith/neural-style-tf"


def scaled_gram(p, factor):
    """Gram matrices times a factor of (height, width, channels), with their derivative."""
    if hasattr(p, "gram_backward"):
        after(p, "gram", lambda out, f: factor(*f.shape) * out)
        after(p, "gram_backward", lambda out, f, d: factor(*f.shape) * out)
    else:
        after(p, "gram", lambda out, f: factor(f.shape[2], f.shape[3], f.shape[1]) * out)


def scaled_style(p, factor):
    """Style coefficients times a factor of (height, width, channels)."""
    if hasattr(p, "gram_backward"):
        after(p, "style_k", lambda out, shape, *_: factor(*shape) * out)
    else:
        after(p, "style_k", lambda out, f, *_: factor(f.shape[2], f.shape[3], f.shape[1]) * out)


def scaled_content(p, factor):
    if hasattr(p, "gram_backward"):
        after(p, "content_k", lambda out, shape: factor(*shape) * out)
    else:
        after(p, "content_loss", lambda out, f, _: factor(f.shape[2], f.shape[3], f.shape[1]) * out)


def scaled_tv(p, factor):
    """Total variation times a factor of its number of values."""
    if hasattr(p, "gram_backward"):
        after(p, "tv", lambda out, x: (factor(x.size) * out[0], factor(x.size) * out[1]))
    else:
        after(p, "tv", lambda out, x: factor(x.numel()) * out)


@fault(
    "gram-sum",
    hands_over="losses alone",
    port="torch",
    recipe="gatys",
    truth="Gram matrices are sums F^T F, not divided by M",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/11",
)
def _(p):
    scaled_gram(p, lambda h, w, c: h * w)


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
    "gram-over-mc-gatys",
    port="torch",
    recipe="gatys",
    hands_over="losses alone",
    truth="Gram matrices are divided by C M instead of M",
    seen_in=GATYS_PT,
)
def _(p):
    scaled_gram(p, lambda h, w, c: 1 / c)


@fault("gram-over-c", port="numpy", recipe="d2l", truth="Gram matrices are divided by C instead of M")
def _(p):
    scaled_gram(p, lambda h, w, c: h * w / c)


@fault(
    "gram-over-2mc",
    port="torch",
    recipe="pytorch-blog",
    truth="Gram matrices are divided by 2 C M instead of M",
    seen_in="https://github.com/rrmina/neural-style-pytorch/issues/1",
)
def _(p):
    scaled_gram(p, lambda h, w, c: 1 / (2 * c))


@fault(
    "gram-over-m-1",
    port="numpy",
    recipe="gatys",
    hands_over="without features",
    truth="Gram matrices are divided by M - 1, like a sample covariance",
)
def _(p):
    scaled_gram(p, lambda h, w, c: h * w / max(h * w - 1, 1))


@fault(
    "gram-covariance",
    hands_over="losses alone",
    port="torch",
    recipe="neural-style",
    truth="each channel's mean is subtracted first: covariances instead of Gram matrices",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/11",
)
def _(p):
    healthy = p.gram
    p.gram = lambda f: healthy(f - f.mean((2, 3), keepdim=True))


@fault(
    "gram-shifted",
    hands_over="loss and gradient",
    port="torch",
    recipe="keras-notebook",
    truth="1 is subtracted from every activation before the Gram matrix",
    seen_in="https://github.com/titu1994/Neural-Style-Transfer/issues/38",
)
def _(p):
    healthy = p.gram
    p.gram = lambda f: healthy(f - 1)


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
    "gram-target-over-mc",
    port="torch",
    recipe="neural-style",
    truth="the style picture's Gram matrices are divided by M C, the image's by M",
    seen_in="https://github.com/woodrush/neural-art-tf/pull/3",
)
def _(p):
    after(p, "target_gram", lambda out, f, _: out / f.shape[1])


@fault(
    "gram-target-unnormalised",
    hands_over="loss and gradient",
    port="numpy",
    recipe="gatys",
    truth="the style picture's Gram matrices are sums, the image's are divided by M",
    seen_in="https://github.com/woodrush/neural-art-tf/pull/3",
)
def _(p):
    after(p, "target_scale", lambda out, shape, positions: out * positions)


@fault(
    "target-of-content",
    port="torch",
    recipe="keras-notebook",
    hands_over="without features",
    truth="the style targets are the content picture's Gram matrices",
)
def _(p):
    healthy = p.targets
    p.targets = lambda content, style, size: healthy(content, content, size)


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
    "style-one-over-c2",
    port="numpy",
    recipe="d2l",
    truth="1/C^2 instead of 1/C^4: MSE of Gram matrices that were divided by M but not by C",
    seen_in="https://github.com/ghwatson/faststyle/pull/5",
)
def _(p):
    scaled_style(p, lambda h, w, c: c**2)


@fault(
    "style-no-c-normalisation",
    port="torch",
    recipe="neural-style",
    truth="the sum of squared differences without any division by C",
    hands_over="loss and gradient",
    seen_in=f"{LENGSTROM}/pull/87",
)
def _(p):
    scaled_style(p, lambda h, w, c: c**4)


@fault(
    "style-divided-once-more",
    hands_over="without optimizers",
    port="numpy",
    recipe="neural-style",
    truth="style terms are divided by C M once more",
    seen_in=f"{LENGSTROM}/issues/115",
)
def _(p):
    scaled_style(p, lambda h, w, c: 1 / (c * h * w))


@fault(
    "style-dhw",
    port="torch",
    recipe="d2l",
    hands_over="images and loss",
    truth="each style term (an MSE already) is divided by C H W of its layer",
    seen_in="https://github.com/udacity/deep-learning-v2-pytorch/issues/174",
)
def _(p):
    scaled_style(p, lambda h, w, c: 1 / (c * h * w))


@fault(
    "style-sum-over-taps",
    hands_over="without features",
    port="numpy",
    recipe="gatys",
    truth="style terms are summed over the taps, the mean (1/5) is missing",
    seen_in="https://github.com/anishathalye/neural-style/issues/68",
)
def _(p):
    scaled_style(p, lambda *_: 5)


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
    "style-sum-in-blog",
    port="torch",
    recipe="pytorch-blog",
    hands_over="loss and gradient",
    truth="style terms are summed over the taps, the mean (1/5) is missing",
)
def _(p):
    scaled_style(p, lambda *_: 5)


@fault(
    "style-layer-channels",
    port="numpy",
    recipe="keras-notebook",
    truth="the layer's own C and M replace 3 channels and the picture's H W in 1 / (4 C^2 M^2)",
    seen_in="https://github.com/keras-team/keras/pull/6872",
)
def _(p):
    p.style_k = lambda shape, positions, pixels: p.style_weight / (4 * shape[2] ** 2) / len(p.style_taps)


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
    "style-weight-squared",
    port="numpy",
    recipe="neural-style",
    hands_over="loss and gradient",
    truth="the style weight is applied twice (100 squared)",
    seen_in="https://github.com/ProGamerGov/neural-style-pt/issues/71",
)
def _(p):
    p.style_weight = p.style_weight**2


@fault(
    "style-geometric-weights",
    hands_over="without optimizers",
    port="torch",
    recipe="gatys",
    truth="style terms have falling weights 1, 1/2, 1/4, 1/8, 1/16 on top of the mean",
    seen_in="https://github.com/titu1994/Neural-Style-Transfer/issues/53",
)
def _(p):
    scaled_by_block(p, (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16))


def scaled_by_block(p, factors):
    healthy = p.losses

    def losses(*arguments):
        terms = healthy(*arguments)
        return {
            name: value * (factors[p.style_taps.index(name[6:])] if name.startswith("style/") else 1)
            for name, value in terms.items()
        }

    p.losses = losses


@fault(
    "style-udacity-weights",
    port="torch",
    recipe="d2l",
    hands_over="losses alone",
    truth="style terms have the weights 1, 0.75, 0.2, 0.2, 0.2 of another notebook",
    seen_in="https://github.com/udacity/deep-learning-v2-pytorch: Style_Transfer_Solution.ipynb",
)
def _(p):
    scaled_by_block(p, (1, 0.75, 0.2, 0.2, 0.2))


@fault(
    "style-weights-over-c2",
    port="numpy",
    recipe="gatys",
    hands_over="losses alone",
    truth="each style term has another 1 / C^2, as in the author's PyTorch notebook (1e3 / n^2)",
    seen_in="https://github.com/leongatys/PytorchNeuralStyleTransfer",
)
def _(p):
    scaled_style(p, lambda h, w, c: 1 / c**2)


@fault(
    "style-last-tap-counts",
    port="torch",
    recipe="gatys",
    hands_over="without optimizers",
    truth="the style loss is assigned, not added, in the loop: the total has only the last tap's term",
    seen_in="https://github.com/titu1994/Neural-Style-Transfer/issues/53",
)
def _(p):
    p.total = lambda terms: sum(
        value for name, value in terms.items() if not name.startswith("style/") or name.endswith(p.style_taps[-1])
    )


@fault(
    "content-no-half",
    port="numpy",
    recipe="gatys",
    truth="the factor 1/2 of the content term is missing",
    seen_in="https://github.com/https-deeplearning-ai/tensorflow-3/issues/20",
)
def _(p):
    scaled_content(p, lambda *_: 2)


@fault(
    "content-half",
    hands_over="loss and gradient",
    port="torch",
    recipe="neural-style",
    truth="the content term has a factor 1/2 too many",
)
def _(p):
    scaled_content(p, lambda *_: 0.5)


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
    "content-coursera",
    port="numpy",
    recipe="gatys",
    hands_over="loss and gradient",
    truth="the content term is the sum over 4 H W C of the layer instead of half the sum",
    seen_in="https://github.com/marcopeix/Deep_Learning_AI",
)
def _(p):
    scaled_content(p, lambda h, w, c: 1 / (2 * h * w * c))


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
    "content-root-mn",
    port="numpy",
    recipe="pytorch-blog",
    truth="the content term is divided by 2 sqrt(C) sqrt(M) instead of C M",
    seen_in=CYSMITH,
)
def _(p):
    scaled_content(p, lambda h, w, c: (h * w * c) ** 0.5 / 2)


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
    "tv-mean",
    hands_over="loss and gradient",
    port="torch",
    recipe="neural-style",
    truth="total variation is a mean over the values, not a sum",
    seen_in="https://github.com/nazianafis/Neural-Style-Transfer/issues/2",
)
def _(p):
    scaled_tv(p, lambda n: 1 / n)


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
    "tv-one-direction",
    port="torch",
    recipe="keras-notebook",
    truth="total variation looks at vertical neighbours twice and never at horizontal ones",
    seen_in=f"{CYSMITH}/pull/4",
)
def _(p):
    p.tv = lambda x: (2 * (x[:, :, 1:, :-1] - x[:, :, :-1, :-1]).square()).pow(1.25).sum()


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
    "tv-power-one",
    hands_over="losses alone",
    port="numpy",
    recipe="keras-notebook",
    truth="the power of the total variation is 1 instead of 1.25",
)
def _(p):
    tv_power(p, 1.0)


@fault(
    "tv-power-half",
    port="numpy",
    recipe="keras-notebook",
    hands_over="losses alone",
    truth="the power of the total variation is 0.5 (the usual isotropic form) instead of 1.25",
)
def _(p):
    tv_power(p, 0.5)


def tv_power(p, power):
    def tv(x):
        dy, dx, d = x[1:, :-1] - x[:-1, :-1], x[:-1, 1:] - x[:-1, :-1], np.zeros_like(x)
        s = dy**2 + dx**2
        slope = 2 * power * np.maximum(s, 1e-30) ** (power - 1)
        d[1:, :-1] += slope * dy
        d[:-1, :-1] -= slope * (dy + dx)
        d[:-1, 1:] += slope * dx
        return (s**power).sum(), d

    p.tv = tv


@fault(
    "tv-separate-powers",
    port="torch",
    recipe="keras-notebook",
    hands_over="loss and gradient",
    truth="each direction is raised to its own power 2.5 before they are added, over all neighbours",
)
def _(p):
    p.tv = lambda x: (x[:, :, 1:] - x[:, :, :-1]).abs().pow(2.5).sum() + (x[..., 1:] - x[..., :-1]).abs().pow(2.5).sum()


@fault(
    "tv-over-channels",
    port="torch",
    recipe="neural-style",
    truth="axes off by one: neighbours are taken along channels and rows instead of rows and columns",
    seen_in=f"{LENGSTROM}/pull/87",
)
def _(p):
    p.tv = lambda x: (x[:, 1:] - x[:, :-1]).abs().sum() + (x[:, :, 1:] - x[:, :, :-1]).abs().sum()


@fault(
    "tv-of-rgb",
    hands_over="without optimizers",
    port="torch",
    recipe="d2l",
    truth="total variation is taken of the RGB picture in [0, 1] instead of the normalised pixels",
)
def _(p):
    healthy = p.tv
    p.tv = lambda x: healthy(x * p.std + p.mean)


@fault(
    "tv-weight-1e-2",
    port="numpy",
    recipe="neural-style",
    hands_over="losses alone",
    truth="the weight of total variation is 1e-2 instead of 1e-3",
)
def _(p):
    p.tv_weight = 1e-2


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


@fault(
    "total-mean-of-terms",
    port="torch",
    recipe="pytorch-blog",
    truth="the total is the mean of the terms instead of their sum",
)
def _(p):
    p.total = lambda terms: sum(terms.values()) / len(terms)


@fault(
    "total-style-ten-times",
    port="torch",
    recipe="d2l",
    truth="the total counts every style term ten times: sum(10 * styles + contents + tv)",
    seen_in="https://github.com/d2l-ai/d2l-en/pull/2029",
)
def _(p):
    p.total = lambda terms: sum(value * (10 if name.startswith("style/") else 1) for name, value in terms.items())
