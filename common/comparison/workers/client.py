"""Worker processes: each holds one backend and answers requests, with progress on the way."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.backend import find_entry
from common.comparison.workers.job import Arrays, Job, load_arrays
from common.entry import Entry
from common.errors import RosettaError
from common.machine import repository_first

OnEvent = Callable[[str, Any], None]
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# glibc gives large blocks back to the system at once or keeps them, depending on what happened before, and two
# processes of the same code then differ by up to 5%. Told to keep them, they differ by 1%.
_KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


class WorkerDiedError(RosettaError):
    """A worker ended before it had answered: killed, out of memory, or its backend cannot be imported."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a worker answered: JSON values and arrays."""

    values: dict[str, Any]
    arrays: Arrays


class Worker(AbstractContextManager["Worker"]):
    """A process that imports one backend and answers one request after another, until it is closed.

    `python` is the interpreter, which needs the backend's packages and this repository. `threads` is how many it may
    use when it is to be measured; `variables` are then set, which make the conditions of all measured processes equal.
    Raises RosettaError when the interpreter cannot be started.
    """

    def __init__(self, backend: str, python: str | None = None, threads: int | None = None) -> None:
        entry = find_entry(backend)
        self._label, self._imported = entry.label, False
        self._folder = tempfile.TemporaryDirectory(prefix="style-rosetta-")
        self._log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115, closed with the worker
        self._jobs = 0
        command = [python or sys.executable, "-m", "common.comparison.workers.server", backend]
        self.variables = _variables(entry, threads)
        environment, pipe = _environment(entry, f"{self._folder.name}/compiled") | self.variables, subprocess.PIPE
        streams: dict[str, Any] = {"stdin": pipe, "stdout": pipe, "stderr": self._log, "errors": "replace"}
        try:
            # A session of its own: Ctrl-C is for the parent, which decides what to keep, and all of it can be ended.
            self._process = subprocess.Popen(command, env=environment, start_new_session=True, **streams)
        except OSError as error:
            self._clean_up()
            raise RosettaError(f"cannot start {command[0]!r} ({error.strerror}): name a Python interpreter") from None
        self.pid = self._process.pid

    def imported(self) -> dict[str, Any]:
        """Wait until the backend is imported; the seconds that it took, and the versions of its packages."""
        self._imported = True
        return self._listen("imported")

    def ask(self, action: str, job: Job | None = None, on_event: OnEvent = lambda *_: None, **numbers: Any) -> Outcome:
        """Have an action done, on a job if it needs one; raise RosettaError when it fails or the process dies."""
        if not self._imported:
            self.imported()
        folder = None if job is None else self._write(job)
        request = {"action": action, "folder": None if folder is None else str(folder), **numbers}
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise self._died() from None
        values = self._listen("result", on_event)
        return Outcome(values, {} if folder is None else load_arrays(folder / "arrays.npz"))

    def close(self) -> None:
        """End the process and its children (a compiler, say), whatever they are doing; a second call does nothing."""
        if self._log.closed:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()
        self._clean_up()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, job: Job) -> Path:
        self._jobs += 1
        folder = Path(self._folder.name) / str(self._jobs)
        try:
            job.write(folder)
        except OSError as error:
            raise RosettaError(f"cannot write {str(folder)!r} ({error.strerror}): make room there") from None
        return folder

    def _listen(self, wanted: str, on_event: OnEvent = lambda *_: None) -> dict[str, Any]:
        for line in self._process.stdout or ():
            try:
                ((kind, value),) = json.loads(line).items()
                answer = dict(value) if kind == wanted else {}
            except (ValueError, AttributeError, TypeError, RecursionError):
                stranger = f"the {self._label} worker is no worker of this repository: {line[:60]!r}"
                raise WorkerDiedError(stranger) from None
            if kind == "error":
                raise RosettaError(value)
            on_event(kind, value)
            if kind == wanted:
                return answer
        raise self._died()

    def _died(self) -> WorkerDiedError:
        returncode = self._process.wait()
        if returncode < 0:
            cause = signal.Signals(-returncode).name
            hint = "; it may have run out of memory: choose a smaller --size" if cause == "SIGKILL" else ""
            return WorkerDiedError(f"the {self._label} worker was ended by {cause}{hint}")
        self._log.seek(0)
        last = ([line.strip() for line in self._log if line.strip()] or ["no message"])[-1]
        return WorkerDiedError(f"the {self._label} worker failed with exit code {returncode}: {last}")

    def _clean_up(self) -> None:
        self._log.close()
        self._folder.cleanup()


def _environment(entry: Entry, cache: str) -> dict[str, str]:
    return {**repository_first(), **({entry.cache_variable: cache} if entry.cache_variable else {})}


def _variables(entry: Entry, threads: int | None) -> dict[str, str]:
    if threads is None:
        return {}
    return {**dict.fromkeys((*_THREAD_VARIABLES, *entry.thread_variables), str(threads)), **_KEEP_MEMORY}
