"""`compare.py`: do the rows agree, how fast is each, and where do they arrive."""

import argparse
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from common.cli.plans import measured_request_from
from common.comparison import Request
from common.comparison.rendering import report_folder, write_report
from common.comparison.reporting import (
    Pictures,
    Report,
    changes,
    check_conditions,
    missing,
    print_summary,
    read_baseline,
    report_of,
    save_baseline,
)
from common.comparison.session import Session
from common.images import check_folder


@dataclass(frozen=True)
class Baseline:
    """Which earlier report a comparison is compared with, and where it is kept for later ones."""

    read: str | None
    save: str | None
    fail_above: float
    anyway: bool


def run(options: argparse.Namespace) -> int:
    """Agreement, timings in turns, whole transfers, then the report; 1 when something differs or got slower."""
    baseline = Baseline(options.baseline, options.save_baseline, options.fail_above, options.baseline_anyway)
    return compare_and_report(measured_request_from(options), options.report, baseline, options.verbose)


def compare_and_report(request: Request, report: str, baseline: Baseline, verbose: bool = False) -> int:
    """Compare, write the report into a folder, and print its summary; the exit code."""
    if baseline.save is not None:
        check_folder(baseline.save)
    session = Session(request)
    before = None if baseline.read is None else read_baseline(baseline.read)
    if before is not None and not baseline.anyway:
        check_conditions(report_of(session, complete=False)[0], before)
    folder = report_folder(report)
    now = _measured(session, folder)
    print_summary(now, folder, verbose)
    good = now.agrees and now.timed
    if before is not None:
        good = not _got_slower(now, before, baseline) and good
    if good and baseline.save is not None:
        save_baseline(now, Path(baseline.save))
    return 0 if good else 1


def _measured(session: Session, folder: Path) -> Report:
    """Run the session and write its report, an incomplete one before what ends it early goes on."""
    try:
        session.run()
    except BaseException:
        print(f"compare.py: ended early; writing what was measured to {folder}/, marked incomplete", file=sys.stderr)
        _write(*report_of(session, complete=False), folder)
        raise
    return _write(*report_of(session, complete=True), folder)


def _write(report: Report, pictures: Pictures, folder: Path) -> Report:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would lose what the first has saved
    try:
        write_report(report, pictures, folder)
    finally:
        signal.signal(signal.SIGINT, before)
    return report


def _got_slower(report: Report, before: Report, baseline: Baseline) -> bool:
    if not baseline.anyway:
        check_conditions(report, before)
    every = changes(report, before)
    slower = [change for change in every if change.is_slower(baseline.fail_above)]
    for change in every:
        print(f"{'SLOWER  ' if change in slower else 'baseline'}  {change}")
    for name in (gone := missing(report, before)):
        print(f"MISSING   {name}: timed in the baseline, and not now")
    return bool(slower or gone)
