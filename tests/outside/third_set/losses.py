"""Faults in Gram matrices, in the terms and in their sum."""

# ruff: noqa: ARG005

from itertools import pairwise

from ..changes import scaled_gram
from ..faults import fault


@fault(
    "third-content-scaled-mse",
    port="torch",
    recipe="neural-style",
    truth="the content term is the sum of the squared differences divided by the sum of the absolute ones (plus 1e-8) "
    "instead of their mean square",
    seen_in="https://github.com/crowsonkb/style-transfer-pytorch",
)
def _(p):
    def content_loss(f, target):
        difference = f - target
        return difference.square().sum() / (difference.abs().sum() + 1e-8)

    p.content_loss = content_loss


@fault(
    "third-chained-terms",
    port="torch",
    recipe="keras-notebook",
    truth="each style term has the next tap's term subtracted and is divided by 8, 4, 2 and 1 on top of the mean over "
    "taps; the deepest tap has no term of its own",
    seen_in="https://github.com/titu1994/Neural-Style-Transfer/issues/38",
)
def _(p):
    healthy = p.losses

    def losses(pixels, features):
        terms = healthy(pixels, features)
        names = [f"style/{tap}" for tap in p.style_taps]
        chained = {
            name: (terms[name] - terms[deeper]) / 2 ** (len(names) - 2 - index)
            for index, (name, deeper) in enumerate(pairwise(names))
        }
        return {name: chained.get(name, value) for name, value in terms.items() if name != names[-1]}

    p.losses = losses


@fault(
    "third-gram-over-m-squared",
    port="torch",
    recipe="gatys",
    hands_over="loss and gradient",
    truth="feature maps are divided by M before the Gram matrix, which is so divided by M^2 instead of M",
)
def _(p):
    scaled_gram(p, lambda height, width, channels: 1 / (height * width))


@fault(
    "third-integer-division",
    port="numpy",
    recipe="gatys",
    hands_over="without features",
    truth="1 / (4 C^2) is a division of integers (Python 2), which gives 0: every style term is 0",
)
def _(p):
    p.style_k = lambda shape, style_positions, pixels_shape: p.style_weight * (1 // (4 * shape[2] ** 2))


@fault(
    "third-weights-sum-to-one",
    port="numpy",
    recipe="pytorch-blog",
    hands_over="losses alone",
    truth="the weights of content and style are divided by their sum: 1/1001 and 1000/1001 instead of 1 and 1000",
)
def _(p):
    total = p.content_weight + p.style_weight
    p.content_weight, p.style_weight = p.content_weight / total, p.style_weight / total


@fault(
    "third-tv-without-last",
    port="torch",
    recipe="pytorch-blog",
    truth="total variation leaves out the vertical differences of the last column and the horizontal ones of the last "
    "row, as the form with a power of both does",
)
def _(p):
    def tv(x):
        dy, dx = x[:, :, 1:, :-1] - x[:, :, :-1, :-1], x[:, :, :-1, 1:] - x[:, :, :-1, :-1]
        return dy.abs().sum() + dx.abs().sum()

    p.tv = tv
