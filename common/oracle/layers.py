"""The oracle's layers, forward and backward, in float64 NumPy on (H, W, C)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from common.problem import Network
from common.vgg19 import Layer, Pooling

Float64 = NDArray[np.float64]


def forward(network_input: Float64, layers: Sequence[Layer], network: Network) -> Iterator[tuple[str, Float64]]:
    """The name and the output of every layer, in order: what the caller does not keep is freed."""
    x = network_input
    for layer in layers:
        if layer.kind == "conv":
            x = _conv(x, network.weights.kernels_hwio[layer.name], network.weights.biases[layer.name])
        elif layer.kind == "relu":
            x = np.maximum(x, 0)
        else:
            x = _pool(x, network.pooling)
        yield layer.name, x


def backward(
    outputs: Mapping[str, NDArray[np.floating]],
    tap_gradients: Mapping[str, Float64],
    layers: Sequence[Layer],
    network: Network,
) -> Float64:
    """The gradient with respect to the network's input, given the gradient at each tap.

    `outputs` needs the deepest layer, the ReLUs, and what is below each pool.
    """
    gradient = np.zeros(outputs[layers[-1].name].shape)
    for index in reversed(range(len(layers))):
        layer = layers[index]
        gradient = gradient + tap_gradients.get(layer.name, 0)
        if layer.kind == "conv":
            gradient = _conv_backward(gradient, network.weights.kernels_hwio[layer.name])
        elif layer.kind == "relu":
            gradient = gradient * (outputs[layer.name] > 0)
        else:
            gradient = _pool_backward(gradient, outputs[layers[index - 1].name], network.pooling)
    return gradient


def _conv(x: Float64, kernel_hwio: NDArray[np.float32], bias: NDArray[np.float32]) -> Float64:
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    total = np.zeros((height, width, len(bias))) + bias
    for row in range(3):
        for column in range(3):
            total += padded[row : row + height, column : column + width] @ kernel_hwio[row, column].astype(np.float64)
    return total


def _conv_backward(gradient: Float64, kernel_hwio: NDArray[np.float32]) -> Float64:
    height, width, _ = gradient.shape
    padded = np.zeros((height + 2, width + 2, kernel_hwio.shape[2]))
    for row in range(3):
        for column in range(3):
            kernel = kernel_hwio[row, column].astype(np.float64)
            padded[row : row + height, column : column + width] += gradient @ kernel.T
    return padded[1:-1, 1:-1]


def windows(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """The 2x2 windows of a feature map with stride 2, shape (H // 2, W // 2, 4, C); an odd edge is left out."""
    height, width, channels = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
    blocks = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(height, width, 4, channels)


def _pool(x: Float64, pooling: Pooling) -> Float64:
    blocks = windows(x)
    pooled: Float64 = blocks.max(axis=2) if pooling == "max" else blocks.mean(axis=2)
    return pooled


def _pool_backward(gradient: Float64, below: NDArray[np.floating], pooling: Pooling) -> Float64:
    if pooling == "max":
        first_maximum = windows(below).argmax(axis=2)[:, :, None]
        share = (np.arange(4)[:, None] == first_maximum).astype(np.float64)
    else:
        share = np.full((1, 1, 4, 1), 0.25)
    height, width, channels = gradient.shape
    blocks = (gradient[:, :, None] * share).reshape(height, width, 2, 2, channels)
    spread = np.zeros(below.shape)
    spread[: 2 * height, : 2 * width] = blocks.transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, channels)
    return spread
