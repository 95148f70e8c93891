"""`compare.py plan`: the memory and the time that transfers take, before anything is computed."""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from common.backend import BACKENDS
from common.cli.requests import measured_request_from
from common.comparison import Scene
from common.comparison.measurement import tiled_flops
from common.comparison.memory_plan import memory_of_steps
from common.comparison.request import MODES
from common.images import extent_for, extent_of
from common.memory import AtOnce, MachineMemory, largest_size, peak_bytes
from common.problem import SizePx
from common.recipes import Recipe
from common.terminal import console, fitted, plain_table

_PRODUCT = 1024  # rows of a matrix: large enough for the processor's speed, and done in some hundredths of a second
_LARGEST = "largest --size that\nfits into what is free"


def run(options: argparse.Namespace) -> int:
    """Print the memory of each mode in each precision and of the comparison, and the time of an evaluation."""
    memory, request = MachineMemory.now(), measured_request_from(options)
    scene = Scene.of(request)
    scene.check_sizes(request.sizes)
    alone = replace(scene, request=replace(request, modes=MODES if request.modes is None else request.modes))
    compared = replace(scene, request=replace(request, tiles_px=(None,)))
    out, table = console(), plain_table("", "GB at the peak, estimated", *request.sizes, _LARGEST)
    for name, at_sizes in (*_transfers(alone), _comparison(compared)):
        peaks = [max(map(peak_bytes, steps)) for steps in at_sizes]
        cells = [f"{peak / 1e9:.2f}{'*' if peak > memory.free_bytes else ' '}" for peak in peaks]
        table.add_row(name, *cells, largest_size(at_sizes[0], memory.free_bytes) or "none")
    out.print(fitted(table, out, *reversed(request.sizes)))
    free, total = memory.free_bytes / 1e9, memory.total_bytes / 1e9
    out.print(f"\n{free:.1f} of {total:.1f} GB are free; * is more than that.", highlight=False)
    _print_seconds(scene)
    return 0


def _print_seconds(scene: Scene) -> None:
    """The arithmetic of an evaluation by the speed of NumPy's matrix products: about a fast framework's time."""
    flops_per_s, out = _product_flops_per_s(), console()
    table = plain_table("", "\nseconds an evaluation, about", *(f"\n{size}" for size in scene.request.sizes))
    for tile_px in scene.request.tiles_px:
        flops = [
            tiled_flops(recipe, *_largest_px(scene, recipe), tile_px)
            for recipe in map(scene.recipe_at, scene.request.sizes)
        ]
        name = "whole" if tile_px is None else f"in tiles of {tile_px}"
        table.add_row(name, *(f"{it / flops_per_s:.3g}" for it in flops))
    out.print(table)
    speed = f"{flops_per_s / 1e9:.0f} GFLOP/s, at which NumPy multiplies matrices here in float32"
    out.print(f"\nThe arithmetic of the convolutions and Gram matrices at {speed}.", highlight=False)


def _largest_px(scene: Scene, recipe: Recipe) -> SizePx:
    return extent_for(recipe.stages[-1].size, *extent_of(scene.content.image))


def _product_flops_per_s() -> float:
    matrix, seconds = np.random.default_rng(0).random((_PRODUCT, _PRODUCT), np.float32), []
    for _ in range(5):
        start_s = time.perf_counter()
        _ = matrix @ matrix
        seconds.append(time.perf_counter() - start_s)
    return 2 * _PRODUCT**3 / min(seconds)


def _transfers(scene: Scene) -> Iterator[tuple[str, list[Sequence[AtOnce]]]]:
    """A transfer on the command line by its mode and precision, and its one step at each size."""
    rows = scene.request.rows
    for kind, precision in dict.fromkeys((row.kind, row.group.precision) for row in rows):
        same = [row for row in rows if (row.kind, row.group.precision) == (kind, precision)]
        entry = BACKENDS[same[0].backend]
        note = f" (python -m {entry.package})" if same[0].mode == entry.transfer_mode else ""
        yield f"{kind}, {precision}{note}", [[[scene.transfer(row)]] for row in same]


def _comparison(scene: Scene) -> tuple[str, list[Sequence[AtOnce]]]:
    """A comparison at one size, which computes in several processes."""
    at_sizes = [replace(scene, request=replace(scene.request, sizes=(size,))) for size in scene.request.sizes]
    return "compare.py, all processes", [list(memory_of_steps(it)) for it in at_sizes]
