"""`compare.py plan`: the memory that transfers and the comparison take, before anything is computed."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

from common.backend import BACKENDS
from common.cli.requests import measured_request_from
from common.comparison import Scene
from common.comparison.memory_plan import memory_of_steps
from common.comparison.request import MODES
from common.memory import AtOnce, MachineMemory, largest_size, peak_bytes
from common.terminal import console, fitted, plain_table

_LARGEST = "largest --size that\nfits into what is free"


def run(options: argparse.Namespace) -> int:
    """Print a line for each mode in each precision, and for the comparison of the options."""
    memory, request = MachineMemory.now(), measured_request_from(options)
    compared = Scene.of(request)
    compared.check_sizes(request.sizes)
    alone = replace(compared, request=replace(request, modes=MODES if request.modes is None else request.modes))
    out, table = console(), plain_table("", "GB at the peak, estimated", *request.sizes, _LARGEST)
    for name, at_sizes in (*_transfers(alone), _comparison(compared)):
        peaks = [max(map(peak_bytes, steps)) for steps in at_sizes]
        cells = [f"{peak / 1e9:.2f}{'*' if peak > memory.free_bytes else ' '}" for peak in peaks]
        table.add_row(name, *cells, largest_size(at_sizes[0], memory.free_bytes) or "none")
    out.print(fitted(table, out, *reversed(request.sizes)))
    free, total = memory.free_bytes / 1e9, memory.total_bytes / 1e9
    out.print(f"\n{free:.1f} of {total:.1f} GB are free; * is more than that.", highlight=False)
    return 0


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
