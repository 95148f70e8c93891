"""Faults in the Gram matrices, the terms of the loss and their coefficients."""

# ruff: noqa: ARG005

from ..changes import GATYS_PT, after, scaled_content, scaled_gram, scaled_style, scaled_tv, tv_power
from ..faults import fault

LENGSTROM = "https://github.com/lengstrom/fast-style-transfer"


CYSMITH = "https://github.com/cysmith/neural-style-tf"


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
    "content-root-mn",
    port="numpy",
    recipe="pytorch-blog",
    truth="the content term is divided by 2 sqrt(C) sqrt(M) instead of C M",
    seen_in=CYSMITH,
)
def _(p):
    scaled_content(p, lambda h, w, c: (h * w * c) ** 0.5 / 2)


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
    "tv-one-direction",
    port="torch",
    recipe="keras-notebook",
    truth="total variation looks at vertical neighbours twice and never at horizontal ones",
    seen_in=f"{CYSMITH}/pull/4",
)
def _(p):
    p.tv = lambda x: (2 * (x[:, :, 1:, :-1] - x[:, :, :-1, :-1]).square()).pow(1.25).sum()


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
