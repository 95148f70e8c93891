"""The layers of a variant, forward and backward, in float64 NumPy on (H, W, C)."""

from typing import Any

import numpy as np

from common.doctor.reference.kernels import kernel_and_bias
from common.doctor.reference.low_precision import rounded
from common.doctor.reference.variant import Padding, Variant
from common.oracle import windows
from common.problem import Network
from common.tensors import Array
from common.vgg19 import Layer

_PAD_MODES: dict[Padding, Any] = {"zero": "constant", "replicate": "edge", "reflect": "reflect"}


def forward(layer: Layer, x: Array, network: Network, variant: Variant) -> Array:
    """A layer's output."""
    if layer.kind == "conv":
        return _conv(layer, x, network, variant)
    if layer.kind == "relu":
        return np.maximum(x, 0)
    return _stored(_pool(x, network, variant), variant)


def backward(layer: Layer, gradient: Array, decided: Array | None, network: Network, variant: Variant) -> Array:
    """The gradient at a layer's input, given that at its output and what shows its decisions, where it takes any.

    That is a ReLU's output, and a pool's input.
    """
    if layer.kind == "conv" or decided is None:
        return _conv_backward(layer, gradient, network, variant)
    if layer.kind == "relu":
        return np.asarray(gradient * (decided > 0))
    return _pool_backward(gradient, decided, network, variant)


def pooled_px(height: int, width: int, variant: Variant) -> tuple[int, int]:
    """Height and width after a pool."""
    edge = 1 if variant.ceil_pooling else 0
    return (height + edge) // 2, (width + edge) // 2


def _conv(layer: Layer, x: Array, network: Network, variant: Variant) -> Array:
    kernel, bias = kernel_and_bias(layer, network.weights, variant)
    height, width, _ = x.shape
    padded = np.pad(rounded(x, variant.arithmetic), ((1, 1), (1, 1), (0, 0)), _PAD_MODES[variant.padding])
    total = np.zeros((height, width, len(bias)))
    for row in range(3):
        for column in range(3):
            total += padded[row : row + height, column : column + width] @ kernel[row, column]
    return _stored((_stored(total, variant) if variant.bias_apart else total) + bias, variant)


def _stored(output: Array, variant: Variant) -> Array:
    """What is left of a layer's output: TF32 is rounded on the way into a product, the others where they are stored."""
    return output if variant.arithmetic == "tf32" else rounded(output, variant.arithmetic)


def _conv_backward(layer: Layer, gradient: Array, network: Network, variant: Variant) -> Array:
    kernel, _ = kernel_and_bias(layer, network.weights, variant)
    height, width, _ = gradient.shape
    # float16 has as many bits as TF32, and codes scale the loss to keep gradients in its range.
    given = rounded(gradient, "tf32" if variant.arithmetic == "float16" else variant.arithmetic)
    padded = np.zeros((height + 2, width + 2, kernel.shape[2]))
    for row in range(3):
        for column in range(3):
            padded[row : row + height, column : column + width] += given @ kernel[row, column].T
    for axis in (0, 1):
        padded = _unpadded(padded, axis, variant.padding)
    return padded


def _unpadded(padded: Array, axis: int, padding: Padding) -> Array:
    """The adjoint of padding along an axis: what was copied outwards comes back to where it was copied from."""
    moved = np.moveaxis(padded, axis, 0)
    inner = moved[1:-1].copy()
    if padding != "zero":
        sources = np.pad(np.arange(len(inner)), 1, _PAD_MODES[padding])
        inner[sources[0]] += moved[0]
        inner[sources[-1]] += moved[-1]
    return np.moveaxis(inner, 0, axis)


def _pool(x: Array, network: Network, variant: Variant) -> Array:
    if _is_max(network, variant):
        return variant.pool_scale * np.asarray(windows(_even(x, -np.inf, variant)).max(axis=2))
    summed = windows(_even(x, 0.0, variant)).sum(axis=2)
    return np.asarray(variant.pool_scale * summed / _counts(x, variant))


def _pool_backward(gradient: Array, below: Array, network: Network, variant: Variant) -> Array:
    if _is_max(network, variant):
        chosen = windows(_even(below, -np.inf, variant)).argmax(axis=2)[:, :, None]
        share = (np.arange(4)[:, None] == chosen).astype(np.float64)
    else:
        share = np.broadcast_to(1.0 / _counts(below, variant)[:, :, None], (*gradient.shape[:2], 4, 1))
    height, width, channels = gradient.shape
    blocks = (variant.pool_scale * gradient[:, :, None] * share).reshape(height, width, 2, 2, channels)
    spread = np.zeros((max(2 * height, below.shape[0]), max(2 * width, below.shape[1]), channels))
    spread[: 2 * height, : 2 * width] = blocks.transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, channels)
    return spread[: below.shape[0], : below.shape[1]]


def _is_max(network: Network, variant: Variant) -> bool:
    return (network.pooling == "max") != variant.other_pooling


def _even(x: Array, filler: float, variant: Variant) -> Array:
    """With a last row and column where pools round up; without them the odd ones are left out by `windows`."""
    if not variant.ceil_pooling:
        return x
    odd = (x.shape[0] % 2, x.shape[1] % 2)
    return np.pad(x, ((0, odd[0]), (0, odd[1]), (0, 0)), constant_values=filler)


def _counts(x: Array, variant: Variant) -> Array:
    """How many values each window of an average has, shape (h, w, 1)."""
    return np.asarray(windows(_even(np.ones((*x.shape[:2], 1)), 0.0, variant)).sum(axis=2))
