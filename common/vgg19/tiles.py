"""How a picture is cut into tiles: windows that overlap by the receptive field, and the core of each, which is its own.

The cores share out the picture, and with it the positions of every tap. Zero padding at an edge of a window inside the
picture is wrong, and does not reach the core.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple

from common.errors import RosettaError
from common.vgg19.layers import cut, smallest_side_px


class Core(NamedTuple):
    """The part of a window's feature map that is the tile's own, in positions; `bottom` and `right` are not in it."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and its columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def positions(self) -> int:
        """How many there are."""
        return (self.bottom - self.top) * (self.right - self.left)


Cores = Mapping[str, Core]  # by tap


@dataclass(frozen=True)
class Span:
    """A tile along one side of the picture, in pixels: where its core starts and stops, and where its window does."""

    core: tuple[int, int]
    window: tuple[int, int]

    def core_at(self, stride_px: int) -> tuple[int, int]:
        """Where the core starts and stops in the window, in steps of a tap's stride."""
        start = self.window[0] // stride_px
        return self.core[0] // stride_px - start, self.core[1] // stride_px - start


@dataclass(frozen=True)
class Tile:
    """A part of the picture: rows and columns."""

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the picture that are computed."""
        return slice(*self.rows.window), slice(*self.columns.window)

    def place(self, tap: str) -> tuple[slice, slice]:
        """The rows and columns of the core in the whole picture's feature map of a tap."""
        stride_px = smallest_side_px([tap])
        rows, columns = (slice(it.core[0] // stride_px, it.core[1] // stride_px) for it in (self.rows, self.columns))
        return rows, columns

    def cores(self, taps: Iterable[str]) -> dict[str, Core]:
        """The core in the window's feature map of each tap."""
        strides_px = {tap: smallest_side_px([tap]) for tap in taps}
        return {tap: Core(*self.rows.core_at(it), *self.columns.core_at(it)) for tap, it in strides_px.items()}


def overlap_px(taps: Iterable[str]) -> int:
    """How far a value of the deepest tap sees beyond its own pixels, rounded up to that tap's stride."""
    taps, reach_px = tuple(taps), 0
    for row in reversed(cut(taps)):
        reach_px = 2 * reach_px if row.kind == "pool" else reach_px + (row.kind == "conv")
    stride_px = smallest_side_px(taps)
    return -(-reach_px // stride_px) * stride_px


def smallest_tile_px(taps: Iterable[str]) -> int:
    """The shortest side of a window that has a core between two neighbours."""
    taps = tuple(taps)
    return 2 * (overlap_px(taps) + smallest_side_px(taps))


def check_tile(tile_px: int | None, taps: Iterable[str]) -> None:
    """Raise RosettaError for a tile that is smaller than the overlap of these taps allows."""
    taps = tuple(taps)
    if tile_px is not None and tile_px < smallest_tile_px(taps):
        raise RosettaError(
            f"a tile of {tile_px} pixels is too small: these layers overlap by {overlap_px(taps)} pixels on every side "
            f"and need at least {smallest_tile_px(taps)}; give a larger one, or off"
        )


def window_px(size_px: tuple[int, int], tile_px: int | None, taps: Iterable[str]) -> tuple[int, int]:
    """The height and width of the largest window of a picture; None is the whole."""
    height, width = (max(span.window[1] - span.window[0] for span in spans) for spans in _sides(size_px, tile_px, taps))
    return height, width


def tiles(size_px: tuple[int, int], tile_px: int | None, taps: Iterable[str]) -> tuple[Tile, ...]:
    """The tiles of a picture of this height and width, in rows from the top left; no window has a longer side.

    Without a tile size the picture is one tile.
    """
    return tuple(Tile(*spans) for spans in product(*_sides(size_px, tile_px, taps)))


def _sides(size_px: tuple[int, int], tile_px: int | None, taps: Iterable[str]) -> list[list[Span]]:
    taps = tuple(taps)
    return [_spans(side_px, tile_px, overlap_px(taps), smallest_side_px(taps)) for side_px in size_px]


def _spans(side_px: int, tile_px: int | None, overlap_px: int, stride_px: int) -> list[Span]:
    """As few windows as possible, as equal as the stride allows, since each length is compiled anew."""
    if tile_px is None or side_px <= tile_px:
        return [Span((0, side_px), (0, side_px))]
    rest_px = side_px % stride_px  # which pools drop, and no core can consist of
    whole_px, most_px = side_px - rest_px, (tile_px - rest_px) // stride_px * stride_px
    count = -(-(whole_px - 2 * overlap_px) // (most_px - 2 * overlap_px))
    window_px = -(-(whole_px + 2 * overlap_px * (count - 1)) // (count * stride_px)) * stride_px
    inner = [overlap_px + number * (window_px - 2 * overlap_px) for number in range(1, count)]
    return [
        Span(core, (max(0, core[0] - overlap_px), min(side_px, core[1] + overlap_px)))
        for core in pairwise([0, *inner, side_px])
    ]
