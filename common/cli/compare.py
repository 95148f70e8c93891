"""`compare.py`: do the rows agree, how fast is each, and where do they arrive."""

import argparse
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.cli.plans import measured_request_from
from common.comparison import Request
from common.comparison.reporting import (
    Report,
    changes,
    check_conditions,
    missing,
    print_summary,
    read_baseline,
    report_folder,
    report_to_json,
    save_baseline,
    write_report,
)
from common.comparison.session import Session
from common.images import check_folder

Values = dict[str, Any]


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
    return compare_and_report(measured_request_from(options), options.report, baseline)


def compare_and_report(request: Request, report: str, baseline: Baseline) -> int:
    """Compare, write the report into a folder, and print its summary; the exit code."""
    if baseline.save is not None:
        check_folder(baseline.save)
    session = Session(request)
    before = None if baseline.read is None else dict(read_baseline(baseline.read))
    if before is not None and not baseline.anyway:
        check_conditions(report_to_json(Report.of(session, complete=False)), before)
    folder = report_folder(report)
    found, values = _measured(session, folder)
    print_summary(found, values, folder)
    good = found.agrees and found.measured_anything
    if before is not None:
        good = not _got_slower(values, before, baseline) and good
    if good and baseline.save is not None:
        save_baseline(values, Path(baseline.save))
    return 0 if good else 1


def _measured(session: Session, folder: Path) -> tuple[Report, Values]:
    """Run the session and write its report, an incomplete one before what ends it early goes on."""
    try:
        session.run()
    except BaseException:
        print(f"compare.py: ended early; writing what was measured to {folder}/, marked incomplete", file=sys.stderr)
        _write(Report.of(session, complete=False), folder)
        raise
    return _write(Report.of(session, complete=True), folder)


def _write(report: Report, folder: Path) -> tuple[Report, Values]:
    values = report_to_json(report)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would lose what the first has saved
    try:
        write_report(report, values, folder)
    finally:
        signal.signal(signal.SIGINT, before)
    return report, values


def _got_slower(report: Values, before: Values, baseline: Baseline) -> bool:
    if not baseline.anyway:
        check_conditions(report, before)
    every = changes(report, before)
    slower = [change for change in every if change.low > 1 + baseline.fail_above]
    for change in every:
        print(f"{'SLOWER  ' if change in slower else 'baseline'}  {change}")
    for name in (gone := missing(report, before)):
        print(f"MISSING   {name}: timed in the baseline, and not now")
    return bool(slower or gone)
