"""Loss terms and gradient without automatic differentiation, faster and in less memory: each step has its pullback.

A pullback maps the gradient at an output to the gradient at the input. The weights are frozen, so a convolution keeps
nothing; a ReLU keeps one byte for a value, a max pool one for a window. Only taps keep their feature maps.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from common.recipes import Coefficients
from torch_impl.losses import Maps, content_loss, gram
from torch_impl.vgg19 import Trunk

Pullback = Callable[[torch.Tensor], torch.Tensor]
Step = tuple[torch.Tensor, Pullback]
# By tap: the term and its pullback, of the feature map.
TermsOf = Mapping[str, Callable[[torch.Tensor], Step]]


def evaluate(trunk: Trunk, x: torch.Tensor, content: TermsOf, style: TermsOf) -> tuple[Maps, Maps, torch.Tensor]:
    """The content and the style terms by tap at a network input, and the gradient of their sum there."""
    (content_terms, style_terms), gradient, pullbacks = _forward(trunk, x, (content, style))
    while pullbacks:
        gradient = pullbacks.pop()(gradient)  # which frees what the pullback has kept
    return content_terms, style_terms, gradient.to(x.dtype)


def _forward(
    trunk: Trunk, x: torch.Tensor, kinds: tuple[TermsOf, ...]
) -> tuple[list[dict[str, torch.Tensor]], torch.Tensor, list[Pullback]]:
    """The terms of each kind, zeros for the gradient at the end, and the pullbacks, which alone keep something."""
    terms: list[dict[str, torch.Tensor]] = [{} for _ in kinds]
    pullbacks: list[Pullback] = []
    dtype, x = x.dtype, x.to(trunk.layer_dtype)
    for name, layer in trunk.trunk_layers.items():
        x, pullback = _STEPS[type(layer)](x, layer)
        pullbacks.append(pullback)
        if name in trunk.taps:
            feature = x.to(dtype, copy=isinstance(layer, nn.Conv2d))  # since the ReLU after it works in place
        for own, terms_of in zip(terms, kinds, strict=True):
            if name in terms_of:
                own[name], pullback = terms_of[name](feature)
                pullbacks.append(_in(dtype, pullback))
    return terms, torch.zeros_like(x), pullbacks


def terms_by_tap(content: Maps, style: Maps, coefficients: Coefficients) -> tuple[TermsOf, TermsOf]:
    """The content and the style terms of a loss, for targets by tap."""
    return (
        {tap: partial(content_term, target=it, k=coefficients.content[tap]) for tap, it in content.items()},
        {tap: partial(style_term, target=it, k=coefficients.style[tap].k) for tap, it in style.items()},
    )


def conv(x: torch.Tensor, layer: nn.Conv2d) -> Step:
    """A convolution and its pullback."""
    return layer(x), lambda gradient: nn.functional.conv_transpose2d(gradient, layer.weight, padding=1)


def relu(x: torch.Tensor, _: nn.ReLU) -> Step:
    """A ReLU and its pullback, which keeps where the output is positive."""
    y = x.relu_()  # fresh memory takes longer than the arithmetic
    positive = y > 0
    return y, lambda gradient: gradient.mul_(positive)


def max_pool(x: torch.Tensor, _: nn.MaxPool2d) -> Step:
    """A 2x2 max pool and its pullback, which keeps the place of each window's largest value, the first of equals."""
    shape, (a, b, c, d) = x.shape, _quarters(x)
    upper, lower = torch.maximum(a, b), torch.maximum(c, d)
    place = torch.where(lower > upper, (d > c).byte() + 2, (b > a).byte())

    def pullback(gradient: torch.Tensor) -> torch.Tensor:
        return _spread((gradient * (place == number) for number in range(4)), gradient, shape)

    return torch.maximum(upper, lower), pullback


def average_pool(x: torch.Tensor, _: nn.AvgPool2d) -> Step:
    """A 2x2 average pool and its pullback."""
    shape = x.shape
    return nn.functional.avg_pool2d(x, 2), lambda gradient: _spread([gradient / 4] * 4, gradient, shape)


def content_term(feature: torch.Tensor, target: torch.Tensor, k: float) -> Step:
    """The content term of a tap and its pullback, which adds 2 k (F - F_c)."""
    return content_loss(feature, target, k), lambda gradient: gradient.add_(feature - target, alpha=2 * k)


def style_term(feature: torch.Tensor, target: torch.Tensor, k: float) -> Step:
    """The style term of a tap and its pullback, which adds 4 k F (K - K_s) / M."""
    flat, difference = feature[0].flatten(1), gram(feature) - target  # (C, M) and (C, C)

    def pullback(gradient: torch.Tensor) -> torch.Tensor:
        gradient[0].flatten(1).addmm_(difference, flat, alpha=4 * k / flat.shape[1])
        return gradient

    return k * difference.square().sum(), pullback


_STEPS: dict[type, Callable[[torch.Tensor, Any], Step]] = {
    nn.Conv2d: conv,
    nn.ReLU: relu,
    nn.MaxPool2d: max_pool,
    nn.AvgPool2d: average_pool,
}


def _in(dtype: torch.dtype, pullback: Pullback) -> Pullback:
    """The pullback of a term, which is computed in float32 where the layers are in bfloat16."""
    return lambda gradient: pullback(gradient.to(dtype)).to(gradient.dtype)


def _quarters(x: torch.Tensor) -> list[torch.Tensor]:
    """The four values of every whole window, each as a map of half the size."""
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    return [x[:, :, row:height:2, column:width:2] for row in range(2) for column in range(2)]


def _spread(quarters: Iterable[torch.Tensor], gradient: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The inverse of `_quarters`, with zeros in an odd last row and column, in the precision of a gradient."""
    spread = gradient.new_zeros((shape[0], *shape[2:], shape[1])).movedim(-1, 1)  # channels last
    for target, quarter in zip(_quarters(spread), quarters, strict=True):
        target.copy_(quarter)
    return spread
