"""Loss terms and gradient without automatic differentiation, faster and in less memory: each step has its pullback.

A pullback maps the gradient at an output to the gradient at the input. The weights are frozen, so a convolution keeps
nothing; a ReLU keeps one byte for a value, a max pool one for a window. Only taps keep their feature maps.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from common.recipes import Coefficients
from keras_impl.losses import Maps, content_loss, gram
from keras_impl.vgg19 import Trunk

Pullback = Callable[[tf.Tensor], tf.Tensor]
Step = tuple[tf.Tensor, Pullback]
# By tap: the term and its pullback, of the feature map.
TermsOf = Mapping[str, Callable[[tf.Tensor], Step]]
_FEW_CHANNELS = 16  # for which a convolution is slow


def evaluate(trunk: Trunk, x: tf.Tensor, content: TermsOf, style: TermsOf) -> tuple[Maps, Maps, tf.Tensor]:
    """The content and the style terms by tap at a network input, and the gradient of their sum there."""
    (content_terms, style_terms), gradient, pullbacks = _forward(trunk, x, (content, style))
    while pullbacks:
        with tf.control_dependencies([gradient]):  # or a graph computes what it can before, and keeps it
            gradient = pullbacks.pop()(gradient)
    return content_terms, style_terms, tf.cast(gradient, x.dtype)


def _forward(
    trunk: Trunk, x: tf.Tensor, kinds: tuple[TermsOf, ...]
) -> tuple[list[dict[str, tf.Tensor]], tf.Tensor, list[Pullback]]:
    """The terms of each kind, zeros for the gradient at the end, and the pullbacks, which alone keep something."""
    terms: list[dict[str, tf.Tensor]] = [{} for _ in kinds]
    pullbacks: list[Pullback] = []
    dtype, x = x.dtype, tf.cast(x, trunk.layer_dtype)
    for layer in trunk.trunk_layers:
        x, pullback = _STEPS[type(layer)](x, layer)
        pullbacks.append(pullback)
        if layer.name in trunk.taps:
            feature = tf.cast(x, dtype)
        for own, terms_of in zip(terms, kinds, strict=True):
            if layer.name in terms_of:
                own[layer.name], pullback = terms_of[layer.name](feature)
                pullbacks.append(_in(dtype, pullback))
    return terms, tf.zeros_like(x), pullbacks


def terms_by_tap(content: Maps, style: Maps, coefficients: Coefficients) -> tuple[TermsOf, TermsOf]:
    """The content and the style terms of a loss, for targets by tap."""
    return (
        {tap: partial(content_term, target=it, k=coefficients.content[tap]) for tap, it in content.items()},
        {tap: partial(style_term, target=it, k=coefficients.style[tap].k) for tap, it in style.items()},
    )


def conv(x: tf.Tensor, layer: keras.layers.Conv2D) -> Step:
    """A convolution and its pullback."""
    shape = x.shape

    def pullback(gradient: tf.Tensor) -> tf.Tensor:
        if shape[-1] < _FEW_CHANNELS:
            return tf.nn.conv2d_transpose(gradient, layer.kernel, shape, strides=1, padding="SAME")
        # The same sum as a convolution with the kernel turned: faster, and no patches of 9 C values are laid out.
        turned = tf.transpose(tf.reverse(layer.kernel, axis=[0, 1]), (0, 1, 3, 2))
        return tf.nn.conv2d(gradient, turned, strides=1, padding="SAME")

    return layer(x), pullback


def relu(x: tf.Tensor, _: keras.layers.ReLU) -> Step:
    """A ReLU and its pullback, which keeps where the output is positive."""
    y = tf.nn.relu(x)
    positive = y > 0
    return _after(positive, y), lambda gradient: tf.where(positive, gradient, 0)


def max_pool(x: tf.Tensor, _: keras.layers.MaxPooling2D) -> Step:
    """A 2x2 max pool and its pullback, which keeps the place of each window's largest value, the first of equals."""
    shape, (a, b, c, d) = x.shape, _quarters(x)
    upper, lower = tf.maximum(a, b), tf.maximum(c, d)
    place = tf.where(lower > upper, tf.cast(d > c, tf.uint8) + 2, tf.cast(b > a, tf.uint8))

    def pullback(gradient: tf.Tensor) -> tf.Tensor:
        return _spread([tf.where(place == number, gradient, 0) for number in range(4)], shape)

    return _after(place, tf.maximum(upper, lower)), pullback


def average_pool(x: tf.Tensor, _: keras.layers.AveragePooling2D) -> Step:
    """A 2x2 average pool and its pullback."""
    shape = x.shape
    return tf.nn.avg_pool2d(x, 2, 2, "VALID"), lambda gradient: _spread([gradient / 4] * 4, shape)


def content_term(feature: tf.Tensor, target: tf.Tensor, k: float) -> Step:
    """The content term of a tap and its pullback, which adds 2 k (F - F_c)."""
    return content_loss(feature, target, k), lambda gradient: gradient + 2 * k * (feature - target)


def style_term(feature: tf.Tensor, target: tf.Tensor, k: float) -> Step:
    """The style term of a tap and its pullback, which adds 4 k F (K - K_s) / M."""
    flat, difference = tf.reshape(feature, (-1, feature.shape[-1])), gram(feature) - target  # (M, C) and (C, C)

    def pullback(gradient: tf.Tensor) -> tf.Tensor:
        own = tf.matmul(flat, 4 * k / flat.shape[0] * difference)
        return gradient + tf.reshape(own, feature.shape)

    return k * tf.reduce_sum(tf.square(difference)), pullback


_STEPS: dict[type, Callable[[tf.Tensor, Any], Step]] = {
    keras.layers.Conv2D: conv,
    keras.layers.ReLU: relu,
    keras.layers.MaxPooling2D: max_pool,
    keras.layers.AveragePooling2D: average_pool,
}


def _in(dtype: tf.DType, pullback: Pullback) -> Pullback:
    """The pullback of a term, which is computed in float32 where the layers are in bfloat16."""
    return lambda gradient: tf.cast(pullback(tf.cast(gradient, dtype)), gradient.dtype)


def _after(kept: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """`y`, once what the way back needs is computed: a graph would do that whenever it likes, and keep the maps."""
    with tf.control_dependencies([kept]):
        return tf.identity(y)


def _quarters(x: tf.Tensor) -> list[tf.Tensor]:
    """The four values of every whole window, each as a map of half the size."""
    height, width, channels = x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
    # Slices with a stride of 2 would take five times as long.
    windows = tf.reshape(x[:, : 2 * height, : 2 * width], (1, height, 2, width, 2 * channels))
    sides = slice(None, channels), slice(channels, None)
    return [windows[:, :, row, :, side] for row in range(2) for side in sides]


def _spread(quarters: Iterable[tf.Tensor], shape: tf.TensorShape) -> tf.Tensor:
    """The inverse of `_quarters`, with zeros in an odd last row and column."""
    a, b, c, d = quarters
    _, height, width, channels = shape
    rows = [tf.stack(pair, axis=3) for pair in ((a, b), (c, d))]  # (1, h, w, 2, C)
    spread = tf.reshape(tf.stack(rows, axis=2), (1, height // 2 * 2, width // 2 * 2, channels))
    return tf.pad(spread, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
