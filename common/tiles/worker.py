"""The two passes over the tiles of a picture: who computes them, and the worker that does so in this process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from common.errors import RosettaError
from common.problem import Features, Mode, Network, Pixels
from common.recipes import Coefficients
from common.tensors import Array
from common.tiles.network import ContentTarget, TileNetwork
from common.vgg19 import Tile

Windows = Sequence[Pixels]  # of the network's input, one for each tile
Sums = dict[str, Array]  # by style tap, of shape (C, C) and in float64


@dataclass(frozen=True, eq=False)
class TileTask:
    """What all tiles of a picture share: the backend's package, its network, and the loss."""

    package: str
    taps: tuple[str, ...]
    network: Network
    mode: Mode | None
    coefficients: Coefficients

    @cached_property
    def tile_network(self) -> TileNetwork:
        """The network, built once; RosettaError for a package without tiles, or a mode without."""
        if not find_spec(f"{self.package}.tiles"):
            raise RosettaError(f"{self.package} has no module tiles: leave out the tiles")
        network: TileNetwork = import_module(f"{self.package}.tiles").TileNetwork(self.taps, self.network, self.mode)
        return network


class Workers(Protocol):
    """Who computes the tiles of a picture; `targets` has the content targets of each by tap."""

    targets: Sequence[Features]

    def gram_sums(self, windows: Windows) -> Sums:
        """The first pass: the Gram matrices of all cores together, not divided by the positions; keeps the windows."""

    def content_terms(self) -> dict[str, float]:
        """The content terms of all cores together, at the windows of the first pass."""

    def gradients(self, at_sums: Mapping[str, Array]) -> Iterator[tuple[dict[str, float], Pixels]]:
        """The second pass: of each tile the content terms of its core, and the gradient at its window.

        `at_sums` has the gradient of the loss at the sums of the whole picture.
        """


WorkersOf = Callable[[TileTask, Sequence[Tile], Windows], Workers]  # from the tiles and the content's windows


def gram_sums(network: TileNetwork, tiles: Sequence[Tile], windows: Windows, taps: Sequence[str]) -> Sums:
    """The Gram matrices of the tiles' cores together, not divided by the positions."""
    sums: Sums = {tap: np.zeros(()) for tap in taps}
    if not taps:
        return sums
    for tile, window in zip(tiles, windows, strict=True):
        cores = tile.cores(taps)
        for tap, gram in network.grams(window, cores).items():
            sums[tap] = sums[tap] + cores[tap].positions * gram.astype(np.float64)
    return sums


class TileWorker:
    """Some tiles of a picture, one after the other."""

    def __init__(self, task: TileTask, tiles: Sequence[Tile], content: Windows) -> None:
        self._network, self._tiles, self._coefficients = task.tile_network, tiles, task.coefficients
        self.targets: Sequence[Features] = [self._maps(tile, it) for tile, it in zip(tiles, content, strict=True)]
        self._windows: Windows = ()

    def gram_sums(self, windows: Windows) -> Sums:
        """The first pass: the Gram matrices of all cores together, not divided by the positions; keeps the windows."""
        self._windows = windows
        return gram_sums(self._network, self._tiles, windows, tuple(self._coefficients.style))

    def content_terms(self) -> dict[str, float]:
        """The content terms of all cores together, at the windows of the first pass."""
        terms = dict.fromkeys(self._coefficients.content, 0.0)
        for tile, window, target in zip(self._tiles, self._windows, self.targets, strict=True):
            for tap, maps in self._maps(tile, window).items():
                difference = (maps - target[tap]).astype(np.float64)
                terms[tap] += self._coefficients.content[tap] * float(np.sum(difference**2))
        return terms

    def gradients(self, at_sums: Mapping[str, Array]) -> Iterator[tuple[dict[str, float], Pixels]]:
        """The second pass: of each tile the content terms of its core, and the gradient at its window."""
        k = self._coefficients.content
        for tile, window, target in zip(self._tiles, self._windows, self.targets, strict=True):
            cores = tile.cores((*k, *self._coefficients.style))
            content = {tap: ContentTarget(k[tap], maps) for tap, maps in target.items()}
            at_grams = {tap: cores[tap].positions * matrix for tap, matrix in at_sums.items()}
            yield self._network.gradient(window, cores, content, at_grams)

    def _maps(self, tile: Tile, window: Pixels) -> Features:
        content = self._coefficients.content
        return self._network.maps(window, tile.cores(content)) if content else {}
