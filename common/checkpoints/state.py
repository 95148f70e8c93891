"""A run between two evaluations."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import RosettaError
from common.points import Moments, Point
from common.problem import Pixels
from common.results import Step


@dataclass(frozen=True, eq=False)
class Told:
    """What L-BFGS was told at an evaluation: the loss, the gradient (H, W, 3), and a checksum of the point."""

    checksum: int
    loss: float
    gradient: Pixels

    def at(self, pixels: Pixels) -> tuple[float, Pixels]:
        """The loss and the gradient; raise RosettaError unless they are of this very point, bit for bit."""
        if checksum_of(pixels) != self.checksum:
            raise RosettaError(
                "L-BFGS does not take the steps of the checkpoint again: resume with the SciPy and on the processor "
                "that made the checkpoint, or start from the partial picture with --init and another -o"
            )
        return self.loss, self.gradient


def checksum_of(pixels: Pixels) -> int:
    """A checksum of an array's bits."""
    return zlib.crc32(np.ascontiguousarray(pixels).data)


@dataclass(frozen=True, eq=False)
class State:
    """All that a run needs to go on: the stage from 1, the evaluations that are left in that stage, and the steps.

    `point` is where Adam goes on. SciPy does not give its memory away: L-BFGS starts from the `point` at which the
    stage began, is `told` again what it was told before the interruption, and so arrives at the same memory. Where that
    was too much to keep, `told` is empty and L-BFGS starts with an empty memory at its lowest `point`. `best` are the
    pixels of the stage's lowest loss, which is `best_loss`.
    """

    stage: int
    left: int
    point: Point
    steps: tuple[Step, ...]
    best: Pixels
    best_loss: float
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, eq=False)
class Evaluated:
    """A run after an evaluation; `left` are the evaluations that its stage has left.

    `pixels` is the point that L-BFGS evaluated, or where Adam has moved to. `told` is None for Adam.
    """

    steps: Sequence[Step]
    left: int
    pixels: Pixels
    moments: Callable[[], Moments | None]
    told: Told | None
