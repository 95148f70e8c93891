"""What ports compute in the place of a layer: another activation, another pool, a convolution that is another.

No trap of the list: each is a fault of the network whose words say the whole mistake.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import combinations
from math import erf

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.doctor.hypotheses.trap import Fault
from common.oracle import COMMON, Substitute, resample, rounded, work
from common.problem import Network
from common.tensors import Array
from common.vgg19 import CONVS, LAYERS, Layer, Pooling, Weights, cut

Function = Callable[[Array], Array]
Words = Iterator[tuple[str, Function]]

_SLOPES = (0.01, 0.1, 0.2, 0.3, 0.05, 0.5)
_EVERY = {"relu": "every ReLU", "pool": "every pool", "conv": "every convolution"}
_PADDINGS = {"wrap": "circular", "reflect": "reflect", "edge": "replicate", "symmetric": "symmetric"}
_INTERPOLATIONS = ("bilinear", "nearest", "area")
_WINDOWS = ((2, 2), (3, 2), (3, 3), (2, 1), (3, 1))
_OF_WINDOWS: dict[str, Function] = {
    "max": lambda windows: windows.max(axis=-1),
    "average": lambda windows: windows.mean(axis=-1),
    "sum": lambda windows: windows.sum(axis=-1),
    "L2": lambda windows: np.sqrt((windows**2).sum(axis=-1)),
    "0.78 times an L2": lambda windows: 0.78 * np.sqrt((windows**2).sum(axis=-1)),
    "root mean square": lambda windows: np.sqrt((windows**2).mean(axis=-1)),
    "min": lambda windows: windows.min(axis=-1),
}
_RIGHT = {
    "relu": "a ReLU",
    "pool": "a 2x2 pool with stride 2 and no padding",
    "conv": "a 3x3 convolution with stride 1 and zero padding 1, its own kernel and its own bias",
}


def of_all_layers(network: Network, taps: Sequence[str]) -> Iterator[Fault]:
    """Every layer of a kind is replaced alike, down to the deepest tap."""
    by_kind = {kind: [layer for layer in cut(taps) if layer.kind == kind] for kind in _EVERY}
    for kind, layers in by_kind.items():
        tables = [dict(_functions(layer, network)) for layer in layers]
        for words in tables[0] if tables else ():
            if all(words in table for table in tables):
                yield _fault(_EVERY[kind], words, layers, [table[words] for table in tables])
    pooled = [LAYERS[LAYERS.index(pool) - 1] for pool in by_kind["pool"]]
    apart = [layer for layer in pooled if layer.name not in taps]
    if pooled:
        yield _fault("every ReLU before a pool", "left out", pooled, [_same] * len(pooled))
    if apart and apart != pooled:
        yield _fault("every ReLU before a pool that is no tap", "left out", apart, [_same] * len(apart))


def of_one_layer(network: Network, layers: Iterable[Layer]) -> Iterator[Fault]:
    """One layer is replaced: pools first, which have the fewest, and convolutions last."""
    for layer in sorted(layers, key=lambda layer: ("pool", "relu", "conv").index(layer.kind)):
        for words, function in _functions(layer, network):
            yield _fault(layer.name, words, [layer], [function])


def _fault(which: str, words: str, layers: Sequence[Layer], functions: Sequence[Function]) -> Fault:
    by_value = layers[0].kind == "relu"
    replaced = {layer.name: Substitute(it, by_value) for layer, it in zip(layers, functions, strict=True)}
    claim = "another layer", {"layer": which, "what": words, "right": _RIGHT[layers[0].kind]}
    return Fault("network", f"{which} is {words}", {"substitutes": replaced}, layers=tuple(replaced), claim=claim)


def _functions(layer: Layer, network: Network) -> Words:
    if layer.kind == "relu":
        return _activations()
    if layer.kind == "pool":
        return _pools(network.pooling)
    return _convolutions(layer, network.weights)


def _same(x: Array) -> Array:
    return x


def _activations() -> Words:
    yield "left out", _same
    for slope in _SLOPES:
        yield f"a leaky ReLU with slope {slope:g}", partial(_leaky, slope)
    for top in (6.0, 1.0, 20.0, 255.0):
        yield "ReLU6" if top == 6 else f"clipped to {top:g}", partial(np.clip, a_min=0, a_max=top)
    yield "the absolute value", np.abs
    yield "an ELU", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    yield "a SELU", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    yield "a GELU", lambda x: 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))
    yield "a GELU by tanh", lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    yield "a SiLU", lambda x: x / (1 + np.exp(-x))
    yield "a softplus", partial(np.logaddexp, 0)
    yield "tanh", np.tanh
    yield "a sigmoid", lambda x: 1 / (1 + np.exp(-x))
    yield "of the opposite sign", lambda x: np.maximum(-x, 0)


def _leaky(slope: float, x: Array) -> Array:
    return np.where(x > 0, x, slope * x)


def _pools(right: Pooling) -> Words:
    for side, stride in _WINDOWS:
        for kind in _OF_WINDOWS:
            for before, after in ((0, 0), (1, 1), (0, 1), (1, 0)):
                if (kind, side, stride, before, after) != (right, 2, 2, 0, 0):
                    padding = f", padded by {before} and {after}" if before or after else ""
                    words = f"a {side}x{side} {kind} pool with stride {stride}{padding}"
                    yield words, partial(_pooled, kind, side, stride, (before, after))
    yield f"a 2x2 {right} pool from the second row and column on, where a side is odd", partial(_pooled_late, right)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        words = f"every second position from row {row} and column {column}"
        yield words, partial(_every_second, row, column)
        yield f"{words}, without those of an odd edge", partial(_every_second_even, row, column)
    for name in (name for name in COMMON if name.startswith(_INTERPOLATIONS)):
        yield f"a resize to half the size by {name}", partial(_halved, name)
    yield "left out", _same  # last, since large maps take long


def _pooled(kind: str, side: int, stride: int, padding: tuple[int, int], x: Array) -> Array:
    filler = -np.inf if kind == "max" else 0.0
    padded = np.pad(x, (padding, padding, (0, 0)), constant_values=filler)
    if min(padded.shape[:2]) < side:
        return np.zeros((0, 0, x.shape[-1]))
    windows = sliding_window_view(padded, (side, side), (0, 1))[::stride, ::stride]
    return _OF_WINDOWS[kind](windows.reshape(*windows.shape[:3], -1))


def _pooled_late(kind: str, x: Array) -> Array:
    return _pooled(kind, 2, 2, (0, 0), x[x.shape[0] % 2 :, x.shape[1] % 2 :])


def _every_second(row: int, column: int, x: Array) -> Array:
    return x[row::2, column::2]


def _every_second_even(row: int, column: int, x: Array) -> Array:
    return x[row : x.shape[0] // 2 * 2 : 2, column : x.shape[1] // 2 * 2 : 2]


def _halved(name: str, x: Array) -> Array:
    height, width = x.shape[0] // 2, x.shape[1] // 2
    return resample(x, height, width, name) if height and width else np.zeros((0, 0, x.shape[-1]))


def _convolutions(layer: Layer, weights: Weights) -> Words:
    kernel, bias = partial(_kernel, weights, layer.name), weights.biases[layer.name].astype(np.float64)
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
        yield "left out", _same
    for factor in (2.0, 0.5, 0.0, -1.0):
        yield f"with {factor:g} times its bias", _convolution(kernel, factor * bias)
    yield "dilated by 2", _convolution(lambda: _dilated(kernel()), bias, 2, 2)
    yield "dilated by 2, padded by 1", _convolution(lambda: _dilated(kernel()), bias)
    for words, change in _AFTERWARDS.items():
        yield words, partial(_after, change, _convolution(kernel, bias))
    yield from _of_other_layers(layer, weights)


def of_exchanged_layers(network: Network, layers: Iterable[Layer]) -> Iterator[Fault]:
    """Two convolutions of one shape have each other's weights."""
    convs = [layer for layer in layers if layer.kind == "conv"]
    for one, other in combinations(convs, 2):
        if (one.in_channels, one.out_channels) == (other.in_channels, other.out_channels):
            functions = [_with_weights_of(layer.name, network.weights) for layer in (other, one)]
            words = f"with the weights of {other.name}, and {other.name} with those of {one.name}"
            yield _fault(one.name, words, [one, other], functions)


def _with_weights_of(name: str, weights: Weights) -> Function:
    return _convolution(partial(_kernel, weights, name), weights.biases[name].astype(np.float64))


def _of_other_layers(layer: Layer, weights: Weights) -> Words:
    kernel, bias = partial(_kernel, weights, layer.name), weights.biases[layer.name].astype(np.float64)
    for other in CONVS:
        if (other.in_channels, other.out_channels) == (layer.in_channels, layer.out_channels) and other != layer:
            others, its_bias = partial(_kernel, weights, other.name), weights.biases[other.name].astype(np.float64)
            yield f"with the weights of {other.name}", _with_weights_of(other.name, weights)
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


@lru_cache(maxsize=32)
def _kernel(weights: Weights, name: str) -> Array:
    return weights.kernels_hwio[name].astype(np.float64)


def _in_8_bits(kernel: Array, axes: tuple[int, ...]) -> Array:
    """Whole numbers from -127 to 127, times a scale."""
    scale = np.abs(kernel).max(axis=axes, keepdims=True) / 127
    return np.asarray(np.rint(kernel / scale) * scale)


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
