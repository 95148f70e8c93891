"""What ports compute in the place of a layer: another activation, another pool, a convolution that is another.

No trap of the list: each is a fault of the network whose words say the whole mistake.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import combinations
from math import erf

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.doctor.hypotheses.convolutions import Function, Words, of_a_convolution, same, with_weights_of
from common.doctor.hypotheses.trap import Fault
from common.oracle import COMMON, Substitute, resample
from common.problem import Network
from common.tensors import Array
from common.vgg19 import LAYERS, Layer, Pooling, cut

_SLOPES = (0.01, 0.1, 0.2, 0.3, 0.05, 0.5)
_EVERY = {"relu": "every ReLU", "pool": "every pool", "conv": "every convolution"}
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
        yield _fault("every ReLU before a pool", "left out", pooled, [same] * len(pooled))
    if apart and apart != pooled:
        yield _fault("every ReLU before a pool that is no tap", "left out", apart, [same] * len(apart))


def of_one_layer(network: Network, layers: Iterable[Layer]) -> Iterator[Fault]:
    """One layer is replaced: pools first, which have the fewest, and convolutions last."""
    for layer in sorted(layers, key=lambda layer: ("pool", "relu", "conv").index(layer.kind)):
        for words, function in _functions(layer, network):
            yield _fault(layer.name, words, [layer], [function])


def of_exchanged_layers(network: Network, layers: Iterable[Layer]) -> Iterator[Fault]:
    """Two convolutions of one shape have each other's weights."""
    convs = [layer for layer in layers if layer.kind == "conv"]
    for one, other in combinations(convs, 2):
        if (one.in_channels, one.out_channels) == (other.in_channels, other.out_channels):
            functions = [with_weights_of(layer.name, network.weights) for layer in (other, one)]
            words = f"with the weights of {other.name}, and {other.name} is with those of {one.name}"
            yield _fault(one.name, words, [one, other], functions)


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
    return of_a_convolution(layer, network.weights)


def _activations() -> Words:
    yield "left out", same
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
        if (row, column) != (1, 1):
            yield f"{words}, without those of an odd edge", partial(_every_second_even, row, column)
    for name in (name for name in COMMON if name.startswith(_INTERPOLATIONS)):
        yield f"a resize to half the size by {name}", partial(_halved, name)
    yield "left out", same  # last, since large maps take long


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
    return _every_second(row, column, x[: x.shape[0] // 2 * 2, : x.shape[1] // 2 * 2])


def _halved(name: str, x: Array) -> Array:
    height, width = x.shape[0] // 2, x.shape[1] // 2
    return resample(x, height, width, name) if height and width else np.zeros((0, 0, x.shape[-1]))
