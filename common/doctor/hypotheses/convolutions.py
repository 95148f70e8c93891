"""What ports compute in the place of a convolution: another padding, kernel or bias, or the layer of another name."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.oracle import rounded, work
from common.tensors import Array
from common.vgg19 import CONVS, Layer, Weights

Function = Callable[[Array], Array]
Words = Iterator[tuple[str, Function]]

_PADDINGS = {"wrap": "circular", "reflect": "reflect", "edge": "replicate", "symmetric": "symmetric"}


def same(x: Array) -> Array:
    """The input: the layer is left out."""
    return x


def of_a_convolution(layer: Layer, weights: Weights) -> Words:
    """What ports compute in the place of a convolution, in words and as a function of its input (h, w, C)."""
    kernel, bias = _kernel_and_bias(weights, layer.name)
    for padding, words in _PADDINGS.items():
        yield f"padded by {words} padding", _convolution(kernel, bias, padding=padding)
    for before, after in ((0, 0), (0, 2), (2, 0), (0, 1), (1, 0), (2, 2)):
        yield f"padded by {before} and {after} instead of 1 and 1", _convolution(kernel, bias, before, after)
    for words, changed in _changed_kernels(kernel, layer).items():
        yield f"with its kernel {words}", _convolution(changed, bias)
    if layer.name == CONVS[0].name:
        black = weights.preprocessing.apply(np.zeros(3))
        yield "padded before the means are subtracted", partial(_padded_before, black, _convolution(kernel, bias, 0, 0))
    if layer.in_channels == layer.out_channels:
        yield "left out", same
    for factor in (2.0, 0.5, 0.0, -1.0):
        yield f"with {factor:g} times its bias", _convolution(kernel, factor * bias)
    yield "dilated by 2", _convolution(lambda: _dilated(kernel()), bias, 2, 2)
    yield "dilated by 2, padded by 1", _convolution(lambda: _dilated(kernel()), bias)
    for words, change in _AFTERWARDS.items():
        yield words, partial(_after, change, _convolution(kernel, bias))
    yield from _of_other_layers(layer, weights)


def with_weights_of(name: str, weights: Weights) -> Function:
    """The convolution of another layer."""
    return _convolution(*_kernel_and_bias(weights, name))


def _of_other_layers(layer: Layer, weights: Weights) -> Words:
    kernel, bias = _kernel_and_bias(weights, layer.name)
    for other in CONVS:
        if (other.in_channels, other.out_channels) == (layer.in_channels, layer.out_channels) and other != layer:
            others, its_bias = _kernel_and_bias(weights, other.name)
            yield f"with the weights of {other.name}", with_weights_of(other.name, weights)
            yield f"with the kernel of {other.name} and its own bias", _convolution(others, bias)
            yield f"with the bias of {other.name}", _convolution(kernel, its_bias)


def _convolution(
    kernel: Callable[[], Array], bias: Array, before: int = 1, after: int = 1, padding: str = "constant"
) -> Function:
    return lambda x: _convolved(x, kernel(), before, after, padding) + bias


def _padded_before(black: Array, convolution: Function, x: Array) -> Array:
    return convolution(np.pad(x - black, ((1, 1), (1, 1), (0, 0))) + black)


def _after(change: Function, convolution: Function, x: Array) -> Array:
    return change(convolution(x))


_AFTERWARDS: dict[str, Function] = {
    "with stride 2": lambda it: it[::2, ::2],
    "followed by an instance norm": lambda it: (it - it.mean(axis=(0, 1))) / np.sqrt(it.var(axis=(0, 1)) + 1e-5),
    "followed by a layer norm": lambda it: (it - it.mean()) / np.sqrt(it.var() + 1e-5),
    "followed by a division by its largest value": lambda it: it / np.abs(it).max(),
}


def _changed_kernels(kernel: Callable[[], Array], layer: Layer) -> dict[str, Callable[[], Array]]:
    changed: dict[str, Callable[[], Array]] = {
        "transposed in space": lambda: kernel().transpose(1, 0, 2, 3),
        "flipped": lambda: kernel()[::-1, ::-1],
        "flipped in its rows": lambda: kernel()[::-1],
        "flipped in its columns": lambda: kernel()[:, ::-1],
        "in the reverse order of inputs": lambda: kernel()[:, :, ::-1],
        "in the reverse order of outputs": lambda: kernel()[..., ::-1],
        "rounded to float16": lambda: rounded(kernel(), "float16"),
        "rounded to bfloat16": lambda: rounded(kernel(), "bfloat16"),
        "rounded to 8 bits": lambda: _in_8_bits(kernel(), (0, 1, 2, 3)),
        "rounded to 8 bits, each output by itself": lambda: _in_8_bits(kernel(), (0, 1, 2)),
    }
    if layer.in_channels == layer.out_channels:
        changed["of exchanged input and output channels"] = lambda: kernel().transpose(0, 1, 3, 2)
    scales = {"2": 2.0, "0.5": 0.5, "0": 0.0, "-1": -1.0}
    if layer.name == CONVS[0].name:
        scales |= {"255": 255.0, "1/255": 1 / 255, "57.63": 57.63, "1/57.63": 1 / 57.63}
    return changed | {f"times {words}": lambda scale=scale: scale * kernel() for words, scale in scales.items()}


def _kernel_and_bias(weights: Weights, name: str) -> tuple[Callable[[], Array], Array]:
    """The kernel of a convolution, made when it is asked for, and its bias."""
    return partial(_kernel, weights, name), weights.biases[name].astype(np.float64)


@lru_cache(maxsize=32)
def _kernel(weights: Weights, name: str) -> Array:
    return weights.kernels_hwio[name].astype(np.float64)


def _in_8_bits(kernel: Array, axes: tuple[int, ...]) -> Array:
    """Whole numbers from -127 to 127, times a scale."""
    scale = np.abs(kernel).max(axis=axes, keepdims=True) / 127
    return np.asarray(np.rint(kernel / np.where(scale > 0, scale, 1)) * scale)


def _dilated(kernel: Array) -> Array:
    spread = np.zeros((5, 5, *kernel.shape[2:]))
    spread[::2, ::2] = kernel
    return spread


def _convolved(x: Array, kernel: Array, before: int, after: int, padding: str) -> Array:
    """A convolution with stride 1, without bias, padded before and after each side."""
    side = kernel.shape[0]
    if x.size == 0:
        return np.zeros((0, 0, kernel.shape[3]))
    padded = np.pad(x, ((before, after), (before, after), (0, 0)), padding)  # type: ignore[call-overload]
    if min(padded.shape[:2]) < side:
        return np.zeros((0, 0, kernel.shape[3]))
    seen = sliding_window_view(padded, (side, side), (0, 1)).transpose(0, 1, 3, 4, 2)
    work.add(seen.shape[0] * seen.shape[1] * kernel.size)
    return (seen.reshape(-1, kernel[..., 0].size) @ kernel.reshape(-1, kernel.shape[3])).reshape(*seen.shape[:2], -1)
