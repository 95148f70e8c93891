"""The loss terms on native tensors: one line of arithmetic each, with coefficients from `common`.

Feature maps and images are batches of one, channels first: (1, C, H, W), with M = H W positions. A coefficient k
holds the weight of its term and all that published codes normalise differently.
"""

from collections.abc import Mapping

import torch

from common.objective import Terms
from common.recipes import Coefficients, TotalVariation

Maps = Mapping[str, torch.Tensor]


def gram(feature: torch.Tensor) -> torch.Tensor:
    """The mean Gram matrix (C, C) of a feature map: F^T F / M."""
    flat = feature[0].flatten(1)  # (C, M): a row for each channel
    return flat @ flat.T / flat.shape[1]


def content_loss(feature: torch.Tensor, target: torch.Tensor, k: float) -> torch.Tensor:
    """The coefficient k times the summed squared difference of two feature maps."""
    return k * (feature - target).square().sum()


def style_loss(feature: torch.Tensor, target: torch.Tensor, k: float) -> torch.Tensor:
    """The coefficient k times the summed squared difference of a mean Gram matrix and its scaled target."""
    return k * (gram(feature) - target).square().sum()


def tv_loss(image: torch.Tensor, form: TotalVariation) -> torch.Tensor:
    """The total variation of the optimized variable, before its weight.

    `mean_abs` and `sum_abs` are of absolute differences, `power` of (dy^2 + dx^2)^1.25 but at the last row and column.
    """
    dy = image[:, :, 1:, :] - image[:, :, :-1, :]  # one row fewer
    dx = image[:, :, :, 1:] - image[:, :, :, :-1]  # one column fewer
    if form == "mean_abs":
        return 0.5 * (dy.abs().mean() + dx.abs().mean())
    if form == "sum_abs":
        return dy.abs().sum() + dx.abs().sum()
    if form == "power":
        return (dy[:, :, :, :-1].square() + dx[:, :, :-1, :].square()).pow(1.25).sum()
    return image.new_zeros(())


def total_loss(features: Maps, image: torch.Tensor, content: Maps, style: Maps, coefficients: Coefficients) -> Terms:
    """Every term of the loss, for feature maps and targets by tap."""
    return Terms(
        {tap: content_loss(features[tap], content[tap], k) for tap, k in coefficients.content.items()},
        {tap: style_loss(features[tap], style[tap], c.k) for tap, c in coefficients.style.items()},
        coefficients.tv_weight * tv_loss(image, coefficients.tv_form),
    )


def total(terms: Terms) -> torch.Tensor:
    """The plain sum of all terms."""
    return torch.stack([*terms.content.values(), *terms.style.values(), terms.tv]).sum()
