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

_PR_SET_PDEATHSIG = 1  # prctl.h
_BUSY, _BUSY_S = "another run is writing", 60.0


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
        if is_made_by(Path(job.output), job.entry, job.options, job.files):
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
    resumed = ["--resume"] if checkpoint_of(job.output).exists() and "--no-resume" not in options else []
    command = [sys.executable, "-m", job.entry.package, *job.words, *options, *resumed]
    while True:
        code, lines = _process(command, on_line)
        took_s = time.monotonic() - start_s
        last = lines[-1] if lines else f"ended with {code}"
        # What a killed batch had started ends after its evaluation.
        if code == 0 or _BUSY not in last or took_s > _BUSY_S:
            break
        time.sleep(1)
    if code:
        return Outcome(job, "failed", took_s, last.partition(": ")[2] or last)
    return Outcome(job, "made", took_s, result_in_words(Path(job.output)))


def _process(command: Sequence[str], on_line: Callable[[str], None]) -> tuple[int, list[str]]:
    """The exit code of a transfer, and its lines on stderr, each of which is passed on."""
    lines = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # A session of its own, or Ctrl-C in a terminal would be the first of two signals, and the second ends at once.
        start_new_session=True,
        preexec_fn=_ends_with_us,
    ) as process:
        try:
            for line in process.stderr or ():
                lines.append(line.rstrip())
                on_line(lines[-1])
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)  # upon which the transfer saves its checkpoint
            raise
    return process.returncode, lines


def _ends_with_us() -> None:
    """Let Linux end a transfer as SIGTERM does when the batch is killed, so that its checkpoint is saved."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
