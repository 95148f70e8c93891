"""Which layer is another than it should be: each between the port's last right feature map and this one is exchanged.

A candidate takes one layer's place; the layers after it are the reference's. Only feature maps that are handed over are
looked at, so that a chain has a few layers and a candidate costs a few convolutions.
"""

from collections.abc import Callable, Iterator
from math import erf

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference
from common.oracle import Run, forward
from common.tensors import Array, TensorName
from common.vgg19 import CONVS, NAMES, Layer, Pooling, layer

_MOST_LAYERS = 6
_SLOPES = (0.01, 0.1, 0.2, 0.3, 0.05, 0.5)
_RIGHT = {
    "relu": "a ReLU",
    "pool": "a 2x2 pool with stride 2 and no padding",
    "conv": "a 3x3 convolution with stride 1 and zero padding 1, its own kernel and its own bias",
}
Function = Callable[[Array], Array]


def another_layer(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The layer that is another, and what it is; at most one clue."""
    parsed, run, tolerance = TensorName.parse(name), judge.own, judge.tolerance(name)
    if parsed.kind != "features" or run.variant.taps:
        return
    chain, start = _chain(parsed.tap, judge)
    if len(chain) > _MOST_LAYERS:
        return
    for index, changed in enumerate(chain):
        x = _through(chain[:index], start, run)
        for what, candidate in _candidates(changed, x, run):
            if min(candidate.shape[:2]) > 0 and _fits(_through(chain[index + 1 :], candidate, run), got, tolerance):
                yield _clue(parsed.tap, changed, what)
                return
        if index and _fits(_through([*chain[: index - 1], *chain[index:]], start, run), got, tolerance):
            yield _clue(parsed.tap, chain[index - 1], "left out")
            return


def _clue(tap: str, changed: Layer, what: str) -> Clue:
    # Said alike of every layer that is changed alike, so that these are one finding.
    name = "it" if changed.name == tap else changed.name
    return Clue("another layer", {"layer": name, "what": what, "right": _RIGHT[changed.kind]})


def _fits(candidate: Array, got: Array, tolerance: float) -> bool:
    return difference(got, candidate).relative <= tolerance


def _chain(tap: str, judge: Judge) -> tuple[list[Layer], Array]:
    """The layers from the last feature map that is handed over, of whatever size, to this one; and that map."""
    index = NAMES.index(tap)
    for at in range(index - 1, -1, -1):
        given = judge.given.get(f"features/{NAMES[at]}")
        if given is not None and _is_a_map(given, NAMES[at], judge):
            return [layer(name) for name in NAMES[at + 1 : index + 1]], np.asarray(given, np.float64)
    return [layer(name) for name in NAMES[: index + 1]], np.asarray(judge.own.value("input"), np.float64)


def _is_a_map(given: Array, name: str, judge: Judge) -> bool:
    """Whether the layers after can be computed from a map: of another size, but not of exchanged height and width."""
    height, width, channels = judge.own.expected(f"features/{name}").shape
    return given.ndim == 3 and given.shape[-1] == channels and given.shape != (width, height, channels)


def _through(layers: list[Layer], x: Array, run: Run) -> Array:
    for each in layers:
        if each.kind == "conv" and x.shape[-1] != each.in_channels:
            return np.zeros((0, 0, 0))
        x = forward(each, x, run.network, run.variant)
    return x


def _candidates(changed: Layer, x: Array, run: Run) -> Iterator[tuple[str, Array]]:
    if changed.kind == "relu":
        yield from _activations(x)
    elif changed.kind == "pool":
        yield from _pools(x, run.network.pooling)
    else:
        yield from _convolutions(changed, x, run)


def _activations(x: Array) -> Iterator[tuple[str, Array]]:
    yield "left out", x
    for slope in _SLOPES:
        yield f"a leaky ReLU with slope {slope:g}", np.where(x > 0, x, slope * x)
    yield "ReLU6", np.clip(x, 0, 6)
    for top in (1.0, 20.0, 255.0):
        yield f"clipped to {top:g}", np.clip(x, 0, top)
    yield "the absolute value", np.abs(x)
    yield "an ELU", np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    yield "a SELU", 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
    yield "a GELU", 0.5 * x * (1 + np.vectorize(erf)(x / np.sqrt(2)))
    yield "a GELU by tanh", 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    yield "a SiLU", x / (1 + np.exp(-x))
    yield "a softplus", np.logaddexp(0, x)
    yield "tanh", np.tanh(x)
    yield "a sigmoid", 1 / (1 + np.exp(-x))
    yield "of the opposite sign", np.maximum(-x, 0)


def _pools(x: Array, right: Pooling) -> Iterator[tuple[str, Array]]:
    kinds: dict[str, Callable[[Array], Array]] = {
        "max": lambda windows: windows.max(axis=-1),
        "average": lambda windows: windows.mean(axis=-1),
        "sum": lambda windows: windows.sum(axis=-1),
        "L2": lambda windows: np.sqrt((windows**2).sum(axis=-1)),
        "root mean square": lambda windows: np.sqrt((windows**2).mean(axis=-1)),
        "min": lambda windows: windows.min(axis=-1),
    }
    yield "left out", x
    for kind, reduced in kinds.items():
        for side, stride in ((2, 2), (3, 2), (3, 3), (2, 1), (3, 1)):
            for before, after in ((0, 0), (1, 1), (0, 1), (1, 0)):
                filler = -np.inf if kind == "max" else 0.0
                padded = np.pad(x, ((before, after), (before, after), (0, 0)), constant_values=filler)
                if min(padded.shape[:2]) < side or (kind, side, stride, before, after) == (right, 2, 2, 0, 0):
                    continue
                windows = sliding_window_view(padded, (side, side), (0, 1))[::stride, ::stride]
                padding = f", padded by {before} and {after}" if before or after else ""
                words = f"a {side}x{side} {kind} pool with stride {stride}{padding}"
                yield words, reduced(windows.reshape(*windows.shape[:3], -1))
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        yield f"every second position from row {row} and column {column}", x[row::2, column::2]


def _convolutions(changed: Layer, x: Array, run: Run) -> Iterator[tuple[str, Array]]:
    weights = run.network.weights
    kernel, bias = (np.asarray(it[changed.name], np.float64) for it in (weights.kernels_hwio, weights.biases))
    right = _convolved(x, kernel)
    for padding in ("wrap", "reflect", "edge", "symmetric"):
        words = {"wrap": "circular", "edge": "replicate", "reflect": "reflect", "symmetric": "symmetric"}[padding]
        yield f"padded by {words} padding, in this layer alone", _convolved(x, kernel, padding=padding) + bias
    for before, after in ((0, 0), (0, 2), (2, 0), (0, 1), (1, 0), (2, 2)):
        yield f"padded by {before} and {after} instead of 1 and 1", _convolved(x, kernel, before, after) + bias
    if changed.in_channels == changed.out_channels:
        exchanged = _convolved(x, kernel.transpose(0, 1, 3, 2)) + bias
        yield "with its kernel's input and output channels exchanged", exchanged
    for factor in (2.0, 0.5, 0.0, -1.0):
        yield f"with {factor:g} times its bias", right + factor * bias
        yield f"with {factor:g} times its kernel", factor * right + bias
    yield "with its bias subtracted before the convolution", _convolved(x, kernel, 1, 1) - bias
    for words, turned in _turned_kernels(kernel).items():
        yield f"with its kernel {words}", _convolved(x, turned) + bias
    dilated = np.zeros((5, 5, *kernel.shape[2:]))
    dilated[::2, ::2] = kernel
    yield "dilated by 2", _convolved(x, dilated, 2, 2) + bias
    yield "dilated by 2, padded by 1", _convolved(x, dilated, 1, 1) + bias
    strided = right + bias
    yield "with stride 2", strided[::2, ::2]
    yield from _by_other_weights(changed, x, run, right, bias)
    yield from _normalised(right + bias)


def _by_other_weights(changed: Layer, x: Array, run: Run, right: Array, bias: Array) -> Iterator[tuple[str, Array]]:
    weights = run.network.weights
    for other in CONVS:
        if (other.in_channels, other.out_channels) == (changed.in_channels, changed.out_channels) and other != changed:
            kernel = np.asarray(weights.kernels_hwio[other.name], np.float64)
            other_bias = np.asarray(weights.biases[other.name], np.float64)
            yield f"with the weights of {other.name}", _convolved(x, kernel) + other_bias
            yield f"with the kernel of {other.name} and its own bias", _convolved(x, kernel) + bias
            yield f"with the bias of {other.name}", right + other_bias
    if changed.name != "conv1_1":
        return
    for words, scaled in {"255": 255.0, "1/255": 1 / 255, "57.63": 57.63, "1/57.63": 1 / 57.63}.items():
        yield f"with its kernel alone times {words}", scaled * right + bias


def _normalised(output: Array) -> Iterator[tuple[str, Array]]:
    mean, variance = output.mean(axis=(0, 1)), output.var(axis=(0, 1))
    yield "followed by an instance norm", (output - mean) / np.sqrt(variance + 1e-5)
    yield "followed by a layer norm", (output - output.mean()) / np.sqrt(output.var() + 1e-5)
    yield "followed by a division by its largest value", output / np.abs(output).max()


def _turned_kernels(kernel: Array) -> dict[str, Array]:
    return {
        "transposed in space": kernel.transpose(1, 0, 2, 3),
        "flipped": kernel[::-1, ::-1],
        "flipped in its rows": kernel[::-1],
        "flipped in its columns": kernel[:, ::-1],
        "in the reverse order of inputs": kernel[:, :, ::-1],
        "in the reverse order of outputs": kernel[..., ::-1],
        "rounded to float16": kernel.astype(np.float16).astype(np.float64),
    }


def _convolved(x: Array, kernel: Array, before: int = 1, after: int = 1, padding: str = "constant") -> Array:
    """A convolution with stride 1, without bias, padded before and after each side."""
    side = kernel.shape[0]
    padded = np.pad(x, ((before, after), (before, after), (0, 0)), padding)  # type: ignore[call-overload]
    height, width = padded.shape[0] - side + 1, padded.shape[1] - side + 1
    if min(height, width) < 1:
        return np.zeros((0, 0, kernel.shape[3]))
    total = np.zeros((height, width, kernel.shape[3]))
    for row in range(side):
        for column in range(side):
            if kernel[row, column].any():
                total += padded[row : row + height, column : column + width] @ kernel[row, column]
    return np.asarray(total)
