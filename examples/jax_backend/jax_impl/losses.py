"""The loss terms on native tensors: one line of arithmetic each, with coefficients from `common`.

Feature maps and images are batches of one, channels last: (1, H, W, C), with M = H W positions. A coefficient k
holds the weight of its term and all that published codes normalise differently.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from common.objective import Terms
from common.recipes import Coefficients, TotalVariation

Maps = Mapping[str, jax.Array]


def gram(feature: jax.Array) -> jax.Array:
    """The mean Gram matrix (C, C) of a feature map: F^T F / M."""
    flat = feature.reshape(-1, feature.shape[-1])  # (M, C): a column for each channel
    return flat.T @ flat / flat.shape[0]


def content_loss(feature: jax.Array, target: jax.Array, k: float) -> jax.Array:
    """The coefficient k times the summed squared difference of two feature maps."""
    return k * jnp.square(feature - target).sum()


def style_loss(feature: jax.Array, target: jax.Array, k: float) -> jax.Array:
    """The coefficient k times the summed squared difference of a mean Gram matrix and its scaled target."""
    return k * jnp.square(gram(feature) - target).sum()


def tv_loss(image: jax.Array, form: TotalVariation) -> jax.Array:
    """The total variation of the optimized variable, before its weight.

    `mean_abs` and `sum_abs` are of absolute differences, `power` of (dy^2 + dx^2)^1.25 but at the last row and column.
    """
    dy = image[:, 1:, :, :] - image[:, :-1, :, :]  # one row fewer
    dx = image[:, :, 1:, :] - image[:, :, :-1, :]  # one column fewer
    if form == "mean_abs":
        return 0.5 * (_abs(dy).mean() + _abs(dx).mean())
    if form == "sum_abs":
        return _abs(dy).sum() + _abs(dx).sum()
    if form == "power":
        return ((jnp.square(dy[:, :, :-1, :]) + jnp.square(dx[:, :-1, :, :])) ** 1.25).sum()
    return jnp.zeros((), image.dtype)


def total_loss(features: Maps, image: jax.Array, content: Maps, style: Maps, coefficients: Coefficients) -> Terms:
    """Every term of the loss, for feature maps and targets by tap."""
    return Terms(
        {tap: content_loss(features[tap], content[tap], k) for tap, k in coefficients.content.items()},
        {tap: style_loss(features[tap], style[tap], c.k) for tap, c in coefficients.style.items()},
        coefficients.tv_weight * tv_loss(image, coefficients.tv_form),
    )


def total(terms: Terms) -> jax.Array:
    """The plain sum of all terms."""
    return jnp.stack([*terms.content.values(), *terms.style.values(), terms.tv]).sum()


def _abs(x: jax.Array) -> jax.Array:
    return x * jnp.sign(x)  # whose slope at 0 is 0, as PyTorch's and TensorFlow's is; that of jnp.abs is 1
