"""Whether transfers fit into the memory, said before a framework is imported."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from common.errors import OutOfMemoryError, say
from common.images import LARGEST_SIDE_PX
from common.memory.estimate import OracleRun, Transfer
from common.memory.machine_memory import MachineMemory
from common.recipes import Exactly, LongestSide, Size
from common.vgg19 import smallest_tile_px

_SAFE = 0.85  # of what is free, since estimates are within 15%
AtOnce = Sequence[Transfer | OracleRun]  # what runs at the same time


def check_memory(steps: Sequence[AtOnce], memory: MachineMemory | None = None) -> None:
    """Raise OutOfMemoryError where a step takes more memory than there is; say so where it takes more than is free.

    The steps run one after the other. What is said names the largest size that fits into what is free.
    """
    memory = memory or MachineMemory.now()
    most = max(steps, key=peak_bytes)
    needed_bytes = peak_bytes(most)
    if needed_bytes <= memory.free_bytes:
        return
    height, width = most[0].largest_px
    needs = f"{height}x{width} pixels take about {_gb(needed_bytes)} of memory"
    size = largest_size(steps, memory.free_bytes)
    way_out = f"the largest that fits is --size {size}" if size else "not even the smallest picture fits into that"
    if needed_bytes > memory.total_bytes:
        raise OutOfMemoryError(
            f"{needs}, and there are {_gb(memory.total_bytes)}, {_gb(memory.free_bytes)} of them free: {way_out}"
        )
    say(f"note: {needs}, and {_gb(memory.free_bytes)} are free: the system may end this run; {way_out}")


def peak_bytes(step: AtOnce, size: Size | None = None) -> float:
    """What transfers take at the same time, as they are or at another size."""
    return sum((it if size is None else it.at(size)).peak_bytes for it in step)


def largest_size(steps: Sequence[AtOnce], limit_bytes: float) -> str | None:
    """The largest size, as `--size` takes it, at which no step takes more; None where none is small enough."""
    sides = range(steps[0][0].recipe.smallest_side_px, LARGEST_SIDE_PX + 1)

    def peak_at(side_px: int) -> float:
        return max(peak_bytes(step, _sized(step[0], side_px)) for step in steps)

    if (found := bisect_right(sides, limit_bytes, key=peak_at)) == 0:
        return None
    return _in_words(_sized(steps[0][0], sides[found - 1]))


def tile_that_fits(transfer: Transfer, memory: MachineMemory | None = None) -> int | None:
    """The largest tile that fits into what is free, which is said; None where the whole does.

    Where no tile fits it is the smallest that is worth its overlap.
    """
    free_bytes = (memory or MachineMemory.now()).free_bytes
    if transfer.peak_bytes <= free_bytes:
        return None
    smallest_px = 2 * smallest_tile_px(transfer.recipe.taps)
    sides_px = range(smallest_px, max(smallest_px, *transfer.largest_px) + 1)

    def peak_at(tile_px: int) -> float:
        return replace(transfer, tile_px=tile_px).peak_bytes

    found = bisect_right(sides_px, _SAFE * free_bytes, key=peak_at)
    if found == 0:
        return smallest_px
    tile_px, (height, width) = sides_px[found - 1], transfer.largest_px
    needs = f"{height}x{width} pixels take about {_gb(transfer.peak_bytes)} as a whole, and {_gb(free_bytes)} are free"
    say(f"note: {needs}: computes in tiles of {tile_px} pixels, which gives the same picture")
    return tile_px


def _sized(run: Transfer | OracleRun, side_px: int) -> Size:
    """The size with this longest side; where the recipe has both sides of its own, in their proportion."""
    size = run.recipe.stages[-1].size
    if not isinstance(size, Exactly):
        return LongestSide(side_px)
    sides_px = size.height_px, size.width_px
    return Exactly(*(max(1, side_px * each // max(sides_px)) for each in sides_px))


def _in_words(size: Size) -> str:
    return str(size) if isinstance(size, Exactly) else str(size.side_px)


def _gb(number_of_bytes: float) -> str:
    return f"{number_of_bytes / 1e9:.1f} GB"
