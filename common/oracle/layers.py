"""The layers of VGG-19, forward and backward, in float64 NumPy on (H, W, C), written for reading."""

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from common.oracle import work
from common.oracle.variant import ALL, RIGHT, Arithmetic, Kernels, Padding, Substitute, Variant
from common.problem import Network
from common.tensors import Array, Arrays
from common.vgg19 import NAMES, Layer, Pooling, Weights, cut

_PAD_MODES: dict[Padding, Any] = {"zero": "constant", "replicate": "edge", "reflect": "reflect"}
# float32 has 23 bits after the point; TF32 keeps 10 of them, bfloat16 7.
_DROPPED_BITS: dict[Arithmetic, int] = {"tf32": 13, "bfloat16": 16}
_STEP = 1e-6  # of a central difference, relative to the values
_BAND = 4096  # positions whose 3x3 neighbourhoods are in memory at once


def outputs_at(names: Collection[str], network_input: Array, network: Network, variant: Variant = RIGHT) -> Arrays:
    """The outputs of some layers by name, in the network's order; those of the others are freed."""
    kept, x = {}, network_input
    for layer in cut(names):
        x = forward(layer, x, network, variant)
        if layer.name in names:
            kept[layer.name] = x
    return kept


def forward(layer: Layer, x: Array, network: Network, variant: Variant) -> Array:
    """The output of a layer for its input."""
    if layer.name in variant.substitutes:
        return variant.substitutes[layer.name].function(x)
    if layer.kind == "relu":
        return np.maximum(x, 0)
    if layer.kind == "conv":
        kernel, bias = _kernel_and_bias(layer, network.weights, variant)
        return _conv(x, kernel, bias, variant)
    return _stored(_pool(x, network.pooling, variant), variant.arithmetic_for("outputs"))


def below(layer: Layer) -> str:
    """The layer before a layer."""
    return NAMES[NAMES.index(layer.name) - 1]


def decided_on(layer: Layer) -> str:
    """The layer whose output shows the decisions of a ReLU (its own) or a pool (that below)."""
    return below(layer) if layer.kind == "pool" else layer.name


def backward(layer: Layer, gradient: Array, decided: Array | None, network: Network, variant: Variant) -> Array:
    """The gradient at a layer's input, from the gradient at its output.

    `decided` shows the layer's decisions: a ReLU's output, a pool's input, and None for a convolution.
    """
    if decided is None:
        kernel, _ = _kernel_and_bias(layer, network.weights, variant)
        turned = kernel[::-1, ::-1] if variant.backward == "unturned kernels" else kernel
        return _conv_backward(gradient, turned, variant)
    if layer.kind == "relu":
        return _relu_backward(gradient, decided, variant)
    return _pool_backward(gradient, decided, network.pooling, variant)


def backward_of_substitute(substitute: Substitute, gradient: Array, x: Array) -> Array:
    """The gradient at the input `x` of what takes a layer's place: by differences, or nan where values are mixed."""
    if not substitute.by_value:
        return np.full(x.shape, np.nan)
    step = _STEP * float(np.sqrt(np.mean(x**2)))
    slope = (substitute.function(x + step) - substitute.function(x - step)) / (2 * step)
    return np.asarray(slope * gradient)


def _relu_backward(gradient: Array, output: Array, variant: Variant) -> Array:
    """The gradient where the output is positive; guided, where both are (Springenberg et al. 2014)."""
    by_output = variant.backward not in ("deconvolved", "through every ReLU")
    by_gradient = variant.backward in ("guided", "deconvolved")
    return np.asarray(gradient * ((output > 0) | (not by_output)) * ((gradient > 0) | (not by_gradient)))


def _kernel_and_bias(layer: Layer, weights: Weights, variant: Variant) -> tuple[Array, Array]:
    kernels = variant.kernels if variant.only_layer in (None, layer.name) else "right"
    bias = weights.biases[layer.name].astype(np.float64)
    if variant.dropped_bias in (ALL, layer.name):
        bias = np.zeros_like(bias)
    arithmetic = variant.arithmetic_for("weights")
    return _kernel(weights, layer.name, kernels, arithmetic), rounded(bias, arithmetic)


@lru_cache(maxsize=64)
def _kernel(weights: Weights, name: str, kernels: Kernels, arithmetic: Arithmetic) -> Array:
    return rounded(_reordered(weights.kernels_hwio[name], kernels).astype(np.float64), arithmetic)


def _reordered(kernel_hwio: Array, kernels: Kernels) -> Array:
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
    return kernel_hwio[:, :, ::-1] if kernels == "flipped in inputs" else kernel_hwio


def _conv(x: Array, kernel: Array, bias: Array, variant: Variant) -> Array:
    """A 3x3 convolution of the same size; with `bias_apart`, a result is stored before the bias is added."""
    height, width, inputs = x.shape
    work.add(height * width * kernel.size)
    stored = variant.arithmetic_for("outputs")
    padded = np.pad(rounded(x, variant.arithmetic_for("inputs")), ((1, 1), (1, 1), (0, 0)), _PAD_MODES[variant.padding])
    flat, total = kernel.reshape(9 * inputs, -1), np.empty((height, width, len(bias)))
    for rows in _bands(height, width):
        seen = np.empty((rows.stop - rows.start, width, 3, 3, inputs))
        for row, column in np.ndindex(3, 3):
            seen[:, :, row, column] = padded[rows.start + row : rows.stop + row, column : column + width]
        total[rows] = (seen.reshape(-1, 9 * inputs) @ flat).reshape(-1, width, len(bias))
    return _stored((_stored(total, stored) if variant.bias_apart else total) + bias, stored)


def _conv_backward(gradient: Array, kernel: Array, variant: Variant) -> Array:
    height, width, outputs = gradient.shape
    work.add(height * width * kernel.size)
    # float16 has as many bits as TF32, and codes scale the loss to keep gradients in its range.
    arithmetic = variant.arithmetic_for("outputs")
    rounded_gradient = rounded(gradient, "tf32" if arithmetic == "float16" else arithmetic)
    flat, padded = kernel.reshape(-1, outputs).T, np.zeros((height + 2, width + 2, kernel.shape[2]))
    for rows in _bands(height, width):
        shares = (rounded_gradient[rows].reshape(-1, outputs) @ flat).reshape(-1, width, 3, 3, kernel.shape[2])
        for row, column in np.ndindex(3, 3):
            padded[rows.start + row : rows.stop + row, column : column + width] += shares[:, :, row, column]
    return _unpadded(_unpadded(padded, 0, variant.padding), 1, variant.padding)


def _bands(height: int, width: int) -> Iterator[slice]:
    """Rows of a map, a few at a time: a product for each band is fast, and for the whole map would take the memory."""
    step = max(1, _BAND // max(1, width))
    yield from (slice(start, min(start + step, height)) for start in range(0, height, step))


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


def rounded(values: Array, arithmetic: Arithmetic) -> Array:
    """The values as an arithmetic can hold them, by rounding to nearest (ties to even); `exact` changes nothing."""
    if arithmetic == "exact":
        return values
    if arithmetic == "float16":
        with np.errstate(over="ignore"):  # beyond 65504 it is infinite there, too
            return values.astype(np.float32).astype(np.float16).astype(np.float64)
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    dropped = _DROPPED_BITS[arithmetic]
    last_kept = (bits >> np.uint32(dropped)) & np.uint32(1)
    nearest = bits + np.uint32((1 << (dropped - 1)) - 1) + last_kept
    return (nearest & np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)).view(np.float32).astype(np.float64)


def windows(x: Array, ceil: bool = False, filler: float = 0.0) -> Array:
    """The 2x2 windows of a feature map with stride 2, shape (h, w, 4, C).

    An odd edge is left out; with `ceil`, it makes windows of its own, which are filled up.
    """
    if ceil:
        x = np.pad(x, ((0, x.shape[0] % 2), (0, x.shape[1] % 2), (0, 0)), constant_values=filler)
    height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    blocks = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(height, width, 4, channels)


def _pool(x: Array, right: Pooling, variant: Variant) -> Array:
    scale, ceil = variant.pool_scale, variant.ceil_pooling
    if variant.pooling(right) == "max":
        return scale * np.asarray(windows(x, ceil, -np.inf).max(axis=2))
    return np.asarray(scale * windows(x, ceil).sum(axis=2) / _window_sizes(x, ceil))


def _pool_backward(gradient: Array, below: Array, right: Pooling, variant: Variant) -> Array:
    """The gradient at the input `below` of a pool; of equal maxima the first in reading order gets it."""
    scale, ceil = variant.pool_scale, variant.ceil_pooling
    share = _shares(below, variant.pooling(right), ceil, variant)
    height, width, channels = gradient.shape
    blocks = (scale * gradient[:, :, None] * share).reshape(height, width, 2, 2, channels)
    spread = np.zeros((max(2 * height, below.shape[0]), max(2 * width, below.shape[1]), channels))
    spread[: 2 * height, : 2 * width] = blocks.transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, channels)
    return spread[: below.shape[0], : below.shape[1]]


def _shares(below: Array, pooling: Pooling, ceil: bool, variant: Variant) -> Array:
    """What each position of a window (h, w, 4, C) gets of the gradient at its output."""
    if pooling == "average":
        undivided = variant.backward == "undivided averages"
        return np.asarray(np.ones((1, 1, 4, 1)) / (1 if undivided else _window_sizes(below, ceil)[:, :, None]))
    values = windows(below, ceil, -np.inf)
    if variant.backward == "averaged maxima":
        return np.full(values.shape, 0.25)
    if variant.backward == "all of the window":
        return np.ones(values.shape)
    single = {"first of the window": 0, "last of the window": 3}.get(variant.backward)
    chosen = values.argmax(axis=2)[:, :, None] if single is None else np.array(single)
    return np.asarray(np.arange(4)[:, None] == chosen, np.float64)


def _window_sizes(x: Array, ceil: bool) -> Array:
    """How many values each window of a pool has, shape (h, w, 1)."""
    return np.asarray(windows(np.ones((*x.shape[:2], 1)), ceil).sum(axis=2))
