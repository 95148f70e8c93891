"""The command: reads the table, runs the jobs, says a line of each, and writes the page."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

from common.cli.batch.jobs import Job, read_jobs
from common.cli.batch.page import check_page, write_page
from common.cli.batch.runner import Outcome, run_jobs, to_go_s
from common.errors import RosettaError, say
from common.terminal import console
from common.writing import check_written, claimed


def run(options: argparse.Namespace) -> int:
    """Make every picture of a table that is not there yet; 0 when all are there, 1 when one failed."""
    table = Path(options.jobs).absolute()
    page = table.with_suffix(".html") if options.page is None else Path(options.page).absolute()
    if page == table:
        raise RosettaError(f"the page {str(options.page)!r} is the table of jobs: name another")
    if not table.parent.is_dir():
        raise RosettaError(f"there is no folder {str(table.parent)!r}: name the table of jobs")
    check_page(page)
    with chdir(table.parent):
        jobs = read_jobs(table)
        check_written([page, *(job.output for job in jobs)], [table])
        with claimed(page):
            return _run(jobs, page, options)


def _run(jobs: Sequence[Job], page: Path, options: argparse.Namespace) -> int:
    outcomes: list[Outcome] = []
    shown = _Shown(len(jobs))
    try:
        for outcome in run_jobs(jobs, ["--no-resume"] if options.resume is False else [], shown.progress):
            outcomes.append(outcome)
            shown.line(outcome, outcomes, jobs[len(outcomes) :])
    except KeyboardInterrupt:
        say(f"stopped after {len(outcomes)} of {len(jobs)} jobs; the same command goes on")
        raise
    failed = [it for it in outcomes if it.status == "failed"]
    counts = {status: sum(it.status == status for it in outcomes) for status in ("made", "there", "failed")}
    say(f"{counts['made']} made, {counts['there']} there before, {counts['failed']} failed -> {page.name}", sys.stdout)
    for it in failed:
        say(f"line {it.job.line}, {it.job.output}: {it.said}", sys.stdout)
    write_page(page, page.stem, outcomes)
    return 1 if failed else 0


class _Shown:
    """A line of each job on stdout, and in a terminal below it how far the job is."""

    def __init__(self, total: int) -> None:
        self._total, self._out = total, console(stderr=True)

    def progress(self, line: str) -> None:
        """Show a transfer's own line, in a terminal, until the next."""
        if self._out.is_terminal:
            sys.stderr.write(f"\r\x1b[K{line[: self._out.width - 1]}")
            sys.stderr.flush()

    def line(self, outcome: Outcome, done: Sequence[Outcome], left: Sequence[Job]) -> None:
        """Say what became of a job, and about how long the rest takes."""
        self.progress("")
        what = {"made": f"made in {outcome.took_s:.0f} s", "there": "there before", "failed": "FAILED"}[outcome.status]
        said = f", {outcome.said}" if outcome.said else ""
        rest = to_go_s(done, left)
        to_go = f"; about {_duration(rest)} to go" if left and rest is not None else ""
        say(f"[{len(done)}/{self._total}] {outcome.job.output}: {what}{said}{to_go}", sys.stdout)


def _duration(seconds: float) -> str:
    minutes, hours = round(seconds / 60), seconds / 3600
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{hours:.1f} h"
