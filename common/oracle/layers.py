"""The layers of VGG-19, forward and backward, in float64 NumPy on (H, W, C), written for reading."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from common.oracle.faults import ALL, NO_FAULTS, Arithmetic, Array, Faults, Kernels, Padding
from common.oracle.low_precision import rounded
from common.problem import Network
from common.vgg19 import Layer, Pooling, Weights

_PAD_MODES: dict[Padding, Any] = {"zero": "constant", "replicate": "edge", "reflect": "reflect"}


def outputs(
    network_input: Array, layers: Sequence[Layer], network: Network, faults: Faults = NO_FAULTS
) -> Iterator[tuple[str, Array]]:
    """The name and the output of every layer, in order: what the caller does not keep is freed."""
    x = network_input
    for layer in layers:
        x = forward(layer, x, network, faults)
        yield layer.name, x


def forward(layer: Layer, x: Array, network: Network, faults: Faults = NO_FAULTS) -> Array:
    """The output of a layer for its input."""
    if layer.kind == "relu":
        return np.maximum(x, 0)
    if layer.kind == "conv":
        kernel, bias = _kernel_and_bias(layer, network.weights, faults)
        return conv(x, kernel, bias, faults.padding, faults.arithmetic, faults.bias_apart)
    pooled = pool(x, faults.pooling(network.pooling), faults.pool_scale, faults.ceil_pooling)
    return _stored(pooled, faults.arithmetic)


def backward(
    layer: Layer, gradient: Array, decided: Array | None, network: Network, faults: Faults = NO_FAULTS
) -> Array:
    """The gradient at a layer's input, from the gradient at its output.

    `decided` shows the layer's decisions: a ReLU's output, a pool's input, and None for a convolution.
    """
    if decided is None:
        kernel, _ = _kernel_and_bias(layer, network.weights, faults)
        return conv_backward(gradient, kernel, faults.padding, faults.arithmetic)
    if layer.kind == "relu":
        return np.asarray(gradient * (decided > 0))
    return pool_backward(gradient, decided, faults.pooling(network.pooling), faults.pool_scale, faults.ceil_pooling)


def _kernel_and_bias(layer: Layer, right: Weights, faults: Faults) -> tuple[Array, Array]:
    weights = faults.weights or right
    kernels = faults.kernels if faults.only_layer in (None, layer.name) else "right"
    bias = weights.biases[layer.name].astype(np.float64)
    if faults.dropped_bias in (ALL, layer.name):
        bias = np.zeros_like(bias)
    return _kernel(weights, layer.name, kernels, faults.arithmetic), rounded(bias, faults.arithmetic)


@lru_cache(maxsize=64)
def _kernel(weights: Weights, name: str, kernels: Kernels, arithmetic: Arithmetic) -> Array:
    return rounded(reordered(weights.kernels_hwio[name], kernels).astype(np.float64), arithmetic)


def reordered(kernel_hwio: Array, kernels: Kernels) -> Array:
    """What a wrong conversion makes of a kernel, of the same shape (3, 3, in, out)."""
    inputs, outputs = kernel_hwio.shape[2:]
    if kernels == "HWIO read as OIHW":
        return kernel_hwio.reshape(outputs, inputs, 3, 3).transpose(2, 3, 1, 0)
    if kernels == "OIHW read as HWIO":
        return kernel_hwio.transpose(3, 2, 0, 1).reshape(3, 3, inputs, outputs)
    if kernels == "transposed in space":
        return kernel_hwio.transpose(1, 0, 2, 3)
    if kernels == "flipped":
        return kernel_hwio[::-1, ::-1]
    if kernels == "flipped in inputs":
        return kernel_hwio[:, :, ::-1]
    return kernel_hwio


def conv(
    x: Array,
    kernel: Array,
    bias: Array,
    padding: Padding = "zero",
    arithmetic: Arithmetic = "exact",
    bias_apart: bool = False,
) -> Array:
    """A 3x3 convolution of the same size; with `bias_apart`, a result is stored before the bias is added."""
    height, width, _ = x.shape
    padded = np.pad(rounded(x, arithmetic), ((1, 1), (1, 1), (0, 0)), _PAD_MODES[padding])
    total = np.zeros((height, width, len(bias)))
    for row in range(3):
        for column in range(3):
            total += padded[row : row + height, column : column + width] @ kernel[row, column]
    return _stored((_stored(total, arithmetic) if bias_apart else total) + bias, arithmetic)


def conv_backward(gradient: Array, kernel: Array, padding: Padding = "zero", arithmetic: Arithmetic = "exact") -> Array:
    """The gradient at the input of a convolution."""
    height, width, _ = gradient.shape
    # float16 has as many bits as TF32, and codes scale the loss to keep gradients in its range.
    rounded_gradient = rounded(gradient, "tf32" if arithmetic == "float16" else arithmetic)
    padded = np.zeros((height + 2, width + 2, kernel.shape[2]))
    for row in range(3):
        for column in range(3):
            padded[row : row + height, column : column + width] += rounded_gradient @ kernel[row, column].T
    for axis in (0, 1):
        padded = _unpadded(padded, axis, padding)
    return padded


def _unpadded(padded: Array, axis: int, padding: Padding) -> Array:
    """The adjoint of padding along an axis: copied values are added where they were copied from."""
    moved = np.moveaxis(padded, axis, 0)
    inner = moved[1:-1].copy()
    if padding != "zero":
        sources = np.pad(np.arange(len(inner)), 1, _PAD_MODES[padding])
        inner[sources[0]] += moved[0]
        inner[sources[-1]] += moved[-1]
    return np.moveaxis(inner, 0, axis)


def _stored(output: Array, arithmetic: Arithmetic) -> Array:
    """A layer's output in memory: bfloat16 and float16 round it; TF32 rounds only what goes into a product."""
    return output if arithmetic == "tf32" else rounded(output, arithmetic)


def windows(x: Array) -> Array:
    """The 2x2 windows of a feature map with stride 2, shape (H // 2, W // 2, 4, C); an odd edge is left out."""
    height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    blocks = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(height, width, 4, channels)


def pooled_px(height: int, width: int, ceil: bool = False) -> tuple[int, int]:
    """Height and width after a pool."""
    return (height + ceil) // 2, (width + ceil) // 2


def pool(x: Array, pooling: Pooling, scale: float = 1.0, ceil: bool = False) -> Array:
    """A 2x2 pool with stride 2; with `ceil`, an odd edge makes windows of its own."""
    if pooling == "max":
        return scale * np.asarray(windows(_even(x, -np.inf, ceil)).max(axis=2))
    return np.asarray(scale * windows(_even(x, 0.0, ceil)).sum(axis=2) / _window_sizes(x, ceil))


def pool_backward(gradient: Array, below: Array, pooling: Pooling, scale: float = 1.0, ceil: bool = False) -> Array:
    """The gradient at the input `below` of a pool; of equal maxima the first in reading order gets it."""
    if pooling == "max":
        first_maximum = windows(_even(below, -np.inf, ceil)).argmax(axis=2)[:, :, None]
        share = (np.arange(4)[:, None] == first_maximum).astype(np.float64)
    else:
        share = np.broadcast_to(1.0 / _window_sizes(below, ceil)[:, :, None], (*gradient.shape[:2], 4, 1))
    height, width, channels = gradient.shape
    blocks = (scale * gradient[:, :, None] * share).reshape(height, width, 2, 2, channels)
    spread = np.zeros((max(2 * height, below.shape[0]), max(2 * width, below.shape[1]), channels))
    spread[: 2 * height, : 2 * width] = blocks.transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, channels)
    return spread[: below.shape[0], : below.shape[1]]


def _even(x: Array, filler: float, ceil: bool) -> Array:
    """With `ceil`, a feature map with one more row and column where their number is odd."""
    if not ceil:
        return x
    odd = (x.shape[0] % 2, x.shape[1] % 2)
    return np.pad(x, ((0, odd[0]), (0, odd[1]), (0, 0)), constant_values=filler)


def _window_sizes(x: Array, ceil: bool) -> Array:
    """How many values each window of a pool has, shape (h, w, 1)."""
    return np.asarray(windows(_even(np.ones((*x.shape[:2], 1)), 0.0, ceil)).sum(axis=2))
