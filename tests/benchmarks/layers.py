"""`python tests/benchmarks/layers.py`: the time of each layer, forward and backward, beside its multiplications.

Layers are run one after the other as in the mode `lean`, without the loss terms. TensorFlow runs them eagerly. The
limit is the fastest large matrix product of the same framework in the same process.
"""

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from tables import parser, write

from common import Network, load_weights
from common.backend import BACKENDS, load_backend
from common.comparison.measurement import ceiling_flops_per_s
from common.entry import Entry
from common.vgg19 import cut, layer, shape_at

DEEPEST = "relu5_1"
Seconds = dict[str, list[float]]


def main() -> None:
    options = parser(__doc__, "256")
    lean = [name for name, entry in BACKENDS.items() if "lean" in entry.modes]
    options.add_argument("--backends", default=",".join(lean), metavar="B,...", help="default: %(default)s")
    given = options.parse_args()
    rows, values = [], {}
    for name in given.backends.split(","):
        entry = BACKENDS[name]
        flops_per_s = limit(name)
        for size in given.sizes:
            forward, backward = passes(entry, size, given.rounds)
            values[f"{name} {size}"] = {"forward_s": forward, "backward_s": backward, "flops_per_s": flops_per_s}
            rows += rows_of(entry.label, size, forward, backward, flops_per_s)
    write(given.output, "layers", values, rows)


def limit(name: str) -> float:
    """The operations per second of the framework's fastest large matrix product."""

    def products_s(size: int, count: int) -> list[float]:
        multiply = load_backend(name).matrix_product(size, Network(load_weights("random")))
        multiply()
        return [seconds(multiply)[0] for _ in range(count)]

    return ceiling_flops_per_s(products_s)


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """How long a call takes, and what it returns."""
    before_s = time.perf_counter()
    result = work()
    return time.perf_counter() - before_s, result


def passes(entry: Entry, size: int, rounds: int) -> tuple[Seconds, Seconds]:
    """The seconds of every layer, forward and backward, by round; the first round, which warms up, is left out."""
    lean, arrays, vgg19 = (import_module(f"{entry.package}.{name}") for name in ("lean", "arrays", "vgg19"))
    network = Network(load_weights())
    trunk = vgg19.Trunk([DEEPEST], network)
    picture = np.random.default_rng(0).normal(0, 50, (size, size, 3)).astype(np.float32)
    forward: Seconds = {it.name: [] for it in cut([DEEPEST])}
    backward: Seconds = {it.name: [] for it in cut([DEEPEST])}
    with arrays.device_scope(network):
        for _ in range(rounds + 1):
            x, pullbacks = arrays.to_native(picture, network), []
            for name, native in named(trunk.trunk_layers):
                step = lean._STEPS[type(native)]
                took_s, (x, pullback) = seconds(lambda step=step, native=native, x=x: step(x, native))
                forward[name].append(took_s)
                pullbacks.append((name, pullback))
            gradient = x * 0 + 1
            while pullbacks:
                name, pullback = pullbacks.pop()
                took_s, gradient = seconds(lambda pullback=pullback, gradient=gradient: pullback(gradient))
                backward[name].append(took_s)
    return ({name: times[1:] for name, times in both.items()} for both in (forward, backward))


def named(layers: Any) -> Iterator[tuple[str, Any]]:
    """The layers of a trunk by name, of either backend."""
    yield from layers.items() if hasattr(layers, "items") else ((it.name, it) for it in layers)


def rows_of(label: str, size: int, forward: Seconds, backward: Seconds, flops_per_s: float) -> Iterator[dict[str, str]]:
    """A line for each layer, and one for all."""
    flops = {name: flops_of(name, size) for name in forward}
    once = {name: [np.median(times[name]) for times in (forward, backward)] for name in forward}
    for name in [*once, "all"]:
        both = np.sum(list(once.values()), axis=0) if name == "all" else once[name]
        work = 2 * (sum(flops.values()) if name == "all" else flops[name])
        yield {
            "backend": label,
            "size": f"{size}x{size}",
            "layer": name,
            "forward, ms": f"{1000 * both[0]:.1f}",
            "backward, ms": f"{1000 * both[1]:.1f}",
            "of the limit": f"{work / flops_per_s / sum(both):.0%}" if work else "",
        }


def flops_of(name: str, size: int) -> int:
    """The operations of a convolution; those of other layers are left out."""
    asked = layer(name)
    height, width, channels = shape_at(name, (size, size))
    return 2 * 9 * asked.in_channels * channels * height * width if asked.kind == "conv" else 0


if __name__ == "__main__":
    main()
