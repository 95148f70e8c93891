"""What a comparison is asked to do, and the rows that follow from it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from common import samples
from common.backend import BACKENDS, find_entry
from common.comparison.workers import NO_DELAY, Delay
from common.entry import Entry, OptimizerChoice
from common.errors import RosettaError, did_you_mean
from common.images import parse_size
from common.machine import usable_cores
from common.problem import DEVICE, PRECISIONS, Mode, Precision
from common.recipes import Recipe, find_recipe, with_steps
from common.vgg19 import check_tile
from common.writing import PathLike

DEFAULT_RECIPE, DEFAULT_STEPS, DEFAULT_ROUNDS = "d2l", 60, 10
_MOST_THREADS = 1024  # of any machine that this is for
DEFAULT_SIZE = "256"  # small enough for two cores, large enough to look at
_RESERVED = ("oracle", *BACKENDS)  # what the tables call the columns
MODES: tuple[Mode, ...] = tuple(dict.fromkeys(mode for entry in BACKENDS.values() for mode in entry.modes))


@dataclass(frozen=True)
class Group:
    """What rows must share to be ranked with one another; the size is as it was asked for."""

    size: str
    precision: Precision


@dataclass(frozen=True)
class Row:
    """One thing to be measured; its kind is unique within its group, and only the self-test delays it."""

    kind: str
    label: str
    backend: str
    mode: Mode
    group: Group
    python: str | None = None
    delay: Delay = NO_DELAY
    tile_px: int | None = None

    @property
    def name(self) -> str:
        """The row's name, unique within a comparison."""
        return f"{self.kind} {self.group.precision} {self.group.size}"


@dataclass(frozen=True)
class NamedRow:
    """One more row for each group; without a mode the backend's first, without an interpreter the backend's."""

    name: str
    backend: str
    mode: Mode | None = None
    python: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is compared, and how; raises RosettaError for a value that cannot be used.

    Without pictures the samples are taken, and `init` is a picture to start from. `optimizer` is one for all backends,
    the recipe's own, or the one customary with each framework. `backends` are all by default, and `modes` each
    backend's first, each with every one of `tiles_px`, of which None is no tiles. `sizes` are longest sides (`256`) or
    height x width (`192x256`), in pixels. `interpreters` are Pythons by backend.
    """

    content: PathLike | None = None
    style: PathLike | None = None
    init: PathLike | None = None
    recipe: Recipe = field(default_factory=lambda: with_steps(find_recipe(DEFAULT_RECIPE), DEFAULT_STEPS))
    optimizer: OptimizerChoice = "customary"
    weights: str | None = None
    device: str = "cpu"
    seed: int = 0
    backends: tuple[str, ...] | None = None
    modes: tuple[str, ...] | None = None
    precisions: tuple[Precision, ...] = ("float32",)
    sizes: tuple[str, ...] = (DEFAULT_SIZE,)
    tiles_px: tuple[int | None, ...] = (None,)
    interpreters: Mapping[str, str] = field(default_factory=dict)
    named_rows: tuple[NamedRow, ...] = ()
    rounds: int = DEFAULT_ROUNDS
    threads: int = field(default_factory=usable_cores)

    def __post_init__(self) -> None:
        self._check_numbers()
        samples.check_pair(self.content, self.style)
        for name in (*(self.backends or ()), *self.interpreters):
            find_entry(name)
        _check("mode", self.modes or (), MODES)
        _check("precision", self.precisions, PRECISIONS)
        for size in self.sizes:
            parse_size(size)
        for tile_px in self.tiles_px:
            check_tile(tile_px, self.recipe.taps)
        if not DEVICE.fullmatch(self.device):
            raise RosettaError(f"there is no device {self.device!r}: use cpu, gpu, gpu:1 or mps")
        names = [row.name for row in self.rows]
        for row in sorted(self.rows, key=lambda row: row.name):
            if names.count(row.name) > 1:
                raise RosettaError(f"two rows are named {row.kind!r}: give each --row a name of its own")

    def _check_numbers(self) -> None:
        if not 1 <= self.threads <= _MOST_THREADS:
            raise RosettaError(f"threads is {self.threads}: give a whole number from 1 to {_MOST_THREADS}")
        for what, number, least in (("rounds", self.rounds, 1), ("seed", self.seed, 0)):
            if number < least:
                raise RosettaError(f"{what} is {number}: give a whole number from {least} up")

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """What is ranked apart: each size in each precision."""
        return tuple(Group(size, precision) for size in self.sizes for precision in self.precisions)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every row, group by group."""
        return tuple(row for group in self.groups for row in (*self._rows_by_mode(group), *self._named_rows(group)))

    @cached_property
    def asked_for(self) -> frozenset[str]:
        """The names of rows and of backends that the request names, and does not take because there are no others."""
        return frozenset((*(self.backends or ()), *self.interpreters, *(row.name for row in self.named_rows)))

    def _rows_by_mode(self, group: Group) -> list[Row]:
        entries = [BACKENDS[name] for name in (BACKENDS if self.backends is None else self.backends)]
        wanted = [
            (entry, mode)
            for entry in entries
            for mode in entry.modes
            if mode in (entry.modes[:1] if self.modes is None else self.modes)
        ]
        if not wanted:
            there_are = "; ".join(f"{entry.label} has {', '.join(entry.modes)}" for entry in entries)
            raise RosettaError(f"no chosen backend has the mode {','.join(self.modes or ())}: {there_are}")
        rows = [
            self._row(entry, mode, tile_px, group)
            for entry, mode in wanted
            for tile_px in self.tiles_px
            if tile_px is None or mode in entry.tiled
        ]
        if not rows:
            entry, mode = wanted[0]
            entry.checked_tiled_mode(mode)
        return rows

    def _row(self, entry: Entry, mode: Mode, tile_px: int | None, group: Group) -> Row:
        name, words = ("", "") if tile_px is None else (f" tile {tile_px}", f" in tiles of {tile_px}")
        kind, label = f"{entry.name} {mode}{name}", f"{entry.label} {mode}{words}"
        return Row(kind, label, entry.name, mode, group, self.interpreters.get(entry.name), tile_px=tile_px)

    def _named_rows(self, group: Group) -> Iterator[Row]:
        for row in self.named_rows:
            if not row.name.isprintable() or not row.name.strip():
                raise RosettaError(f"a row cannot be named {row.name!r}: use letters, and no control characters")
            if row.name in _RESERVED:
                taken = f"a row cannot be named {row.name!r}, which has a meaning in the tables"
                raise RosettaError(f"{taken}: choose another")
            entry = find_entry(row.backend)
            mode, python = row.mode or entry.modes[0], row.python or self.interpreters.get(row.backend)
            _check("mode", [mode], entry.modes)
            yield Row(row.name, f"{row.name} ({entry.label} {mode})", row.backend, mode, group, python)


def _check(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            nearest = did_you_mean(name, known)
            raise RosettaError(f"there is no {what} {name!r}{nearest}: choose from {', '.join(known)}")
