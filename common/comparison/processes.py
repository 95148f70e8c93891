"""Running jobs: those of one backend in a process of its own, with progress on the way."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from common.backend import BACKENDS
from common.comparison.jobs import Arrays, Job
from common.errors import RosettaError

OnEvent = Callable[[str, Any], None]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a worker sent back for one job: JSON values and arrays."""

    values: dict[str, Any]
    arrays: Arrays


def run_jobs(jobs: Sequence[Job], on_event: OnEvent) -> list[Outcome]:
    """Run jobs of one backend, one after the other in one new interpreter.

    Raises RosettaError when a job fails or the process dies; an interrupt ends the process too.
    """
    with tempfile.TemporaryDirectory(prefix="style-rosetta-") as name, tempfile.TemporaryFile("w+") as log:
        folders = [Path(name) / str(number) for number in range(len(jobs))]
        for job, folder in zip(jobs, folders, strict=True):
            job.write(folder)
        results, returncode = _run(folders, log, on_event)
        if len(results) < len(jobs):
            raise RosettaError(_obituary(BACKENDS[jobs[0].backend].label, returncode, log))
        return [Outcome(values, _load(folder)) for values, folder in zip(results, folders, strict=True)]


def _run(folders: list[Path], log: IO[str], on_event: OnEvent) -> tuple[list[dict[str, Any]], int]:
    command = [sys.executable, "-m", "common.comparison.worker", *map(str, folders)]
    results: list[dict[str, Any]] = []
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            for line in process.stdout or ():
                ((kind, value),) = json.loads(line).items()
                if kind == "error":
                    raise RosettaError(value)
                if kind == "result":
                    results.append(value)
                on_event(kind, value)
        except BaseException:
            process.kill()
            raise
    return results, process.returncode


def _load(folder: Path) -> Arrays:
    with np.load(folder / "arrays.npz") as arrays:
        return dict(arrays)


def _obituary(label: str, returncode: int, log: IO[str]) -> str:
    if returncode < 0:
        cause = signal.Signals(-returncode).name
        hint = "; it may have run out of memory: choose a smaller --size" if cause == "SIGKILL" else ""
        return f"the {label} worker was ended by {cause}{hint}"
    log.seek(0)
    last = ([line.strip() for line in log if line.strip()] or ["no message"])[-1]
    return f"the {label} worker failed with exit code {returncode}: {last}"
