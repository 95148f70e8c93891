"""The files of a run that can go on: the losses, what L-BFGS was told, and the state.

The state is replaced as a whole, after the other two are on the disk. It says how many losses and gradients belong to
it: what a killed run wrote after them is removed when the state is read.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from common.checkpoints.state import State
from common.checkpoints.told_file import read_told
from common.errors import RosettaError, one_line
from common.input_files import ordinary
from common.json_values import from_json
from common.points import Moments, Point
from common.problem import Dtype
from common.results import Step
from common.tensors import Arrays, write_tensors
from common.writing import hidden_name, reason, to_disk

_SCHEMA: Literal[1] = 1
LOSSES, STATE = "losses.jsonl", "state.safetensors"  # the names of the files that every run has
_DAMAGED = (OSError, ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True)
class _Saved:
    """What is saved beside the arrays; `told` are the checksums of what L-BFGS was told in the stage."""

    schema: Literal[1]
    identity: Mapping[str, Any]
    stage: int
    left: int
    evaluations: int
    moments_steps: int | None
    best_loss: float
    told: tuple[int, ...]


class RunFolder:
    """The folder of one run; `identity` is what has to be the same for the run to go on, as plain JSON values.

    Everything is made when it is first written.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path, self._identity = path, json.loads(json.dumps(identity))
        self._losses, self._state = path / LOSSES, path / STATE

    def exists(self) -> bool:
        """Whether a state was saved here."""
        return self._state.exists()

    def read(self) -> State | None:
        """Where the run goes on; None where no state was saved. Raise RosettaError for a run of something else."""
        if not self.exists():
            return None
        try:
            return self._read()
        except _DAMAGED as error:
            raise RosettaError(
                f"cannot read the checkpoint {str(self.path)!r} ({one_line(error)}): start anew with --no-resume"
            ) from None

    def told_path(self, stage: int) -> Path:
        """Where what L-BFGS was told in a stage is kept."""
        return self.path / f"gradients-{stage}.bin"

    def log(self, step: Step) -> None:
        """Add a line to the losses."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._losses.open("a", encoding="utf-8") as file:
            file.write(step_as_json_line(step))

    def save(self, state: State, checksums: Sequence[int]) -> None:
        """Save a state, whole or not at all; `checksums` are those of all that L-BFGS was told in its stage."""
        to_disk(self._losses)
        moments = state.point.moments
        arrays = {"pixels": state.point.pixels, "best": state.best}
        if moments is not None:
            arrays |= {"mean": moments.mean, "square": moments.square}
        moments_steps = moments.steps if moments else None
        told = tuple(checksums)
        counts = state.stage, state.left, len(state.steps), moments_steps
        saved = _Saved(_SCHEMA, self._identity, *counts, state.best_loss, told)
        write_tensors(self._state, arrays, {"state": json.dumps(vars(saved))})
        self._remove_told(state.stage if checksums else None)

    def _remove_told(self, but: int | None) -> None:
        for file in self.path.glob("gradients-*.bin"):
            if but is None or file != self.told_path(but):
                file.unlink()

    def remove(self) -> None:
        """Remove the run's files, and the folder where nothing else is in it: the run is finished, or starts anew.

        Raises RosettaError where that is not allowed, or another kind of file has the name of one of the run's.
        """
        try:
            self._remove_told(None)
            for file in (self._state, self._losses, *self.path.glob(f"{hidden_name('part', self._state)}-*")):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise RosettaError(
                f"cannot remove the checkpoint {str(self.path)!r} ({reason(error)}): "
                "move what is there away, or name another output"
            ) from None
        with suppress(OSError):
            self.path.rmdir()

    def _read(self) -> State:
        saved, arrays = _opened(self._state)
        self._check(saved.identity)
        count, pixels, best = saved.moments_steps, arrays["pixels"], arrays["best"]
        _check_alike(arrays)
        if count is not None and count < 1:
            raise ValueError(f"Adam has taken {count} steps")
        moments = None if count is None else Moments(arrays["mean"], arrays["square"], count)
        steps = self._steps(saved.evaluations)
        self._remove_told(saved.stage if saved.told else None)
        losses = [step.losses.total for step in steps if step.stage == saved.stage][-len(saved.told) :]
        told = read_told(self.told_path(saved.stage), saved.told, losses, str(pixels.dtype), pixels.shape)
        return State(saved.stage, saved.left, Point(pixels, moments), steps, best, saved.best_loss, told)

    def _check(self, identity: Mapping[str, Any]) -> None:
        ours, theirs = (_flat(values) for values in (self._identity, identity))
        for name in [*ours, *theirs]:
            if ours.get(name) != theirs.get(name):
                raise RosettaError(
                    f"the checkpoint {str(self.path)!r} is of another run: {name} is {theirs.get(name)!r} there and "
                    f"{ours.get(name)!r} here: give the options of that run, or start anew with --no-resume"
                )

    def _steps(self, count: int) -> tuple[Step, ...]:
        """The first losses of the log, and the rest cut off."""
        lines = ordinary(self._losses).read_bytes().splitlines(keepends=True)
        if not 0 < count <= len(lines):
            raise ValueError(f"{self._losses.name} has {len(lines)} losses of {count}")
        steps = tuple(from_json(Step, json.loads(line)) for line in lines[:count])
        os.truncate(self._losses, sum(map(len, lines[:count])))
        return steps


def step_as_json_line(step: Step) -> str:
    """A step as a line of JSON."""
    return json.dumps(asdict(step)) + "\n"


def _opened(path: Path) -> tuple[_Saved, Arrays]:
    import safetensors

    try:
        with safetensors.safe_open(ordinary(path), framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  which is no mapping
            return from_json(_Saved, json.loads((file.metadata() or {})["state"])), arrays
    except safetensors.SafetensorError as error:
        raise ValueError(one_line(error)) from None


def _check_alike(arrays: Arrays) -> None:
    """Raise ValueError unless all are finite, and of one shape (H, W, 3) and one type, as the variable is."""
    for name, array in arrays.items():
        is_variable = array.shape[2:] == (3,) and str(array.dtype) in get_args(Dtype)
        if not is_variable or (array.shape, array.dtype) != (arrays["pixels"].shape, arrays["pixels"].dtype):
            raise ValueError(f"{name} has the shape {array.shape} and the type {array.dtype}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by their path, so that what differs has a name."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            value = {str(number): each for number, each in enumerate(value, start=1)}
        flat |= _flat(value, f"{prefix}{name} ") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
