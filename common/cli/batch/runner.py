"""One job after the other, each in a process of its own, which goes on where an earlier one was ended."""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Literal

from common.cli.batch.jobs import Job
from common.cli.outputs import checkpoint_of
from common.cli.provenance import is_made_by, result_in_words
from common.machine import repository_first

_PR_SET_PDEATHSIG = 1  # prctl.h
_BUSY, _BUSY_S = "another run is writing", 900.0


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its picture was made now, was there before, or was not made, and why."""

    job: Job
    status: Literal["made", "there", "failed"]
    took_s: float = 0.0
    said: str = ""


def run_jobs(jobs: Sequence[Job], options: Sequence[str], on_line: Callable[[str], None]) -> Iterator[Outcome]:
    """Every job in turn; a job that fails ends none of the others. `options` are for every job."""
    for job in jobs:
        if is_made_by(Path(job.output), job.entry, job.options, job.defaults, job.files):
            yield Outcome(job, "there", said=result_in_words(Path(job.output)))
        else:
            yield _run(job, options, on_line)


def to_go_s(done: Sequence[Outcome], left: Sequence[Job]) -> float | None:
    """About how long the rest takes, by the jobs that were made with the same backend and recipe, or else by all."""
    made = [it for it in done if it.status == "made"]
    if not made:
        return None

    def expected_s(job: Job) -> float:
        alike = [it.took_s for it in made if (it.job.entry.name, it.job.recipe) == (job.entry.name, job.recipe)]
        return mean(alike or [it.took_s for it in made])

    return sum(map(expected_s, left))


def _run(job: Job, options: Sequence[str], on_line: Callable[[str], None]) -> Outcome:
    start_s = time.monotonic()
    while True:
        resumed = ["--resume"] if checkpoint_of(job.output).exists() and "--no-resume" not in options else []
        code, last = _process([sys.executable, "-m", job.entry.package, *options, *resumed, *job.words], on_line)
        took_s = time.monotonic() - start_s
        if code == 0:
            return Outcome(job, "made", took_s, result_in_words(Path(job.output)))
        # What a killed batch had started ends after its evaluation.
        if _BUSY not in last or took_s > _BUSY_S:
            return Outcome(job, "failed", took_s, last)
        time.sleep(1)


def _process(command: Sequence[str], on_line: Callable[[str], None]) -> tuple[int, str]:
    """The exit code of a transfer, and what its last line on stderr says; each line is passed on."""
    last = ""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=repository_first(),
        # A session of its own, or Ctrl-C in a terminal would be the first of two signals, and the second ends at once.
        start_new_session=True,
        preexec_fn=_ends_with_us,
    ) as process:
        try:
            for line in process.stderr or ():
                last = line.rstrip()
                on_line(last)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)
            process.communicate()  # until the transfer has saved its checkpoint
            raise
    if process.returncode < 0:
        return process.returncode, f"ended by {signal.Signals(-process.returncode).name}, maybe for want of memory"
    return process.returncode, last.partition(": ")[2] or last or f"ended with {process.returncode}"


def _ends_with_us() -> None:
    """Let Linux end a transfer as SIGTERM does when the batch is killed, so that its checkpoint is saved."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
