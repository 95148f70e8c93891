"""`compare.py`: do the rows agree, how fast is each, and where do they arrive."""

import argparse
import signal
import sys
from pathlib import Path

from common.cli.requests import measured_request_from
from common.comparison import reporting
from common.comparison.rendering import report_folder, write_report
from common.comparison.session import Session
from common.errors import say
from common.images import check_folder


def run(options: argparse.Namespace) -> int:
    """Agreement, timings in turns, whole transfers, then the report; 1 when something differs or got slower."""
    request = measured_request_from(options)
    if options.save_baseline is not None:
        check_folder(options.save_baseline)
    session = Session(request)
    before = None if options.baseline is None else reporting.read_baseline(options.baseline)
    if before is not None and not options.baseline_anyway:
        reporting.check_conditions(reporting.report_of(session, complete=False)[0], before)
    folder = report_folder(options.report)
    now = _measured(session, folder)
    reporting.print_summary(now, folder, options.verbose)
    good = now.agrees and now.timed
    if before is not None:
        if not options.baseline_anyway:
            reporting.check_conditions(now, before)
        good = not _got_slower(now, before, options.fail_above) and good
    if good and options.save_baseline is not None:
        reporting.save_baseline(now, Path(options.save_baseline))
    return 0 if good else 1


def _measured(session: Session, folder: Path) -> reporting.Report:
    """Run the session and write its report, an incomplete one before what ends it early goes on."""
    try:
        session.run()
    except BaseException:
        say(f"compare.py: ended early; writing what was measured to {folder}/, marked incomplete")
        _write(session, folder, complete=False)
        raise
    return _write(session, folder, complete=True)


def _write(session: Session, folder: Path, complete: bool) -> reporting.Report:
    report, pictures = reporting.report_of(session, complete)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would lose what the first has saved
    try:
        write_report(report, pictures, folder)
    finally:
        signal.signal(signal.SIGINT, before)
    return report


def _got_slower(now: reporting.Report, before: reporting.Report, fraction: float) -> bool:
    changes, gone = reporting.changes(now, before), reporting.missing(now, before)
    for change in changes:
        say(f"{'SLOWER  ' if change.is_slower(fraction) else 'baseline'}  {change}", sys.stdout)
    for name in gone:
        say(f"MISSING   {name}: timed in the baseline, and not now", sys.stdout)
    return bool(gone) or any(change.is_slower(fraction) for change in changes)
