"""What L-BFGS was told in its stage, on the disk: the gradients one after the other."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.checkpoints.state import Told
from common.input_files import ordinary
from common.writing import to_disk

_WAITING_BYTES = 256 * 2**20
_MOST_BYTES = 2 * 2**30


class ToldFile:
    """Collects what L-BFGS was told, writes it when that is asked for or takes 256 MB, and gives up above 2 GB."""

    def __init__(self, path: Path, told: Sequence[Told] = ()) -> None:
        self._path = path
        self._waiting: list[Told] = []
        self.checksums = [each.checksum for each in told]
        self._bytes = sum(each.gradient.nbytes for each in told)
        self._waiting_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Whether all that L-BFGS was told has been kept."""
        return self._bytes <= _MOST_BYTES

    def add(self, told: Told) -> None:
        """Keep what L-BFGS was told at one more evaluation."""
        self._bytes += told.gradient.nbytes
        if not self.is_whole:
            self._waiting, self._waiting_bytes, self.checksums = [], 0, []
            return
        self.checksums.append(told.checksum)
        self._waiting.append(told)
        self._waiting_bytes += told.gradient.nbytes
        if self._waiting_bytes > _WAITING_BYTES:
            self.write()

    def write(self) -> None:
        """Have all on the disk."""
        if not self._waiting:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            for each in self._waiting:
                file.write(np.ascontiguousarray(each.gradient).data)
        to_disk(self._path)
        self._waiting, self._waiting_bytes = [], 0


def read_told(
    path: Path, checksums: Sequence[int], losses: Sequence[float], dtype: str, shape: tuple[int, ...]
) -> tuple[Told, ...]:
    """What was told at as many evaluations as there are checksums; what the file has beyond them is cut off."""
    if not checksums:
        return ()
    whole = (len(checksums), *shape)
    size = int(np.prod(whole)) * np.dtype(dtype).itemsize
    if len(checksums) > len(losses):
        raise ValueError(f"there are {len(losses)} losses of {len(checksums)} gradients")
    if ordinary(path).stat().st_size < size:
        raise ValueError(f"{path.name} is too short")
    os.truncate(path, size)
    gradients: np.memmap[Any, Any] = np.memmap(path, np.dtype(dtype), "r", shape=whole)
    return tuple(map(Told, checksums, losses, gradients))
