"""The loss terms on native tensors: one line of arithmetic each, with coefficients from `common`.

Feature maps and images are batches of one, channels last: (1, H, W, C), with M = H W positions. A coefficient k
holds the weight of its term and all that published codes normalise differently.
"""

from collections.abc import Mapping

import tensorflow as tf
from keras import ops

from common.objective import Terms
from common.recipes import Coefficients, TotalVariation

Maps = Mapping[str, tf.Tensor]


def gram(feature: tf.Tensor) -> tf.Tensor:
    """The mean Gram matrix (C, C) of a feature map: F^T F / M."""
    flat = ops.reshape(feature, (-1, feature.shape[-1]))  # (M, C): a row for each position
    # Keras' matmul would copy the transposed map outside of graphs.
    return tf.matmul(flat, flat, transpose_a=True) / ops.cast(ops.shape(flat)[0], flat.dtype)


def content_loss(feature: tf.Tensor, target: tf.Tensor, k: float) -> tf.Tensor:
    """The coefficient k times the summed squared difference of two feature maps."""
    return k * ops.sum(ops.square(feature - target))


def style_loss(feature: tf.Tensor, target: tf.Tensor, k: float) -> tf.Tensor:
    """The coefficient k times the summed squared difference of a mean Gram matrix and its scaled target."""
    return k * ops.sum(ops.square(gram(feature) - target))


def tv_loss(image: tf.Tensor, form: TotalVariation) -> tf.Tensor:
    """The total variation of the optimized variable, before its weight.

    `mean_abs` and `sum_abs` are of absolute differences, `power` of (dy^2 + dx^2)^1.25 but at the last row and column.
    """
    dy = image[:, 1:, :, :] - image[:, :-1, :, :]  # one row fewer
    dx = image[:, :, 1:, :] - image[:, :, :-1, :]  # one column fewer
    if form == "mean_abs":
        return 0.5 * (ops.mean(ops.abs(dy)) + ops.mean(ops.abs(dx)))
    if form == "sum_abs":
        return ops.sum(ops.abs(dy)) + ops.sum(ops.abs(dx))
    if form == "power":
        return ops.sum(ops.power(ops.square(dy[:, :, :-1]) + ops.square(dx[:, :-1]), 1.25))
    return ops.zeros((), image.dtype)


def total_loss(features: Maps, image: tf.Tensor, content: Maps, style: Maps, coefficients: Coefficients) -> Terms:
    """Every term of the loss, for feature maps and targets by tap."""
    return Terms(
        {tap: content_loss(features[tap], content[tap], k) for tap, k in coefficients.content.items()},
        {tap: style_loss(features[tap], style[tap], c.k) for tap, c in coefficients.style.items()},
        coefficients.tv_weight * tv_loss(image, coefficients.tv_form),
    )


def total(terms: Terms) -> tf.Tensor:
    """The plain sum of all terms."""
    return tf.add_n([*terms.content.values(), *terms.style.values(), terms.tv])
