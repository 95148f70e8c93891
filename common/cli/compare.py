"""`compare.py`: do the rows agree, how fast is each, and where do they arrive."""

import argparse
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.cli.rows import rows_from
from common.comparison.plan import plan_for
from common.comparison.progress import Progress
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
from common.comparison.session import Session, Settings
from common.images import check_folder
from common.machine import usable_cores

Values = dict[str, Any]
_ROUNDS, _THOROUGH_ROUNDS = 10, 20


def compare_command(options: argparse.Namespace) -> int:
    """Agreement, timings in turns, whole transfers, then the report; 1 when something differs or got slower."""
    if options.save_baseline is not None:
        check_folder(options.save_baseline)
    session, progress = _session(options)
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    if baseline is not None and not options.baseline_anyway:
        check_conditions(report_to_json(Report.of(session, complete=False)), baseline)
    folder = report_folder(options.report)
    report, values = _measured(session, progress, folder)
    print_summary(report, values, folder)
    good = report.agrees and report.measured_anything
    if baseline is not None:
        good = not _got_slower(values, baseline, options) and good
    if good and options.save_baseline is not None:
        save_baseline(values, Path(options.save_baseline))
    return 0 if good else 1


def _measured(session: Session, progress: Progress, folder: Path) -> tuple[Report, Values]:
    """Run the session and write its report, an incomplete one before what ends it early goes on."""
    try:
        with progress:
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


def _session(options: argparse.Namespace) -> tuple[Session, Progress]:
    rows = rows_from(options)
    plans = {group: plan_for(group, options) for group in dict.fromkeys(row.group for row in rows)}
    progress = Progress([row.name for row in rows])
    return Session(rows, plans, settings_from(options), progress), progress


def settings_from(options: argparse.Namespace) -> Settings:
    """The number of rounds and of threads that the options ask for, or their defaults."""
    rounds = options.rounds or (_THOROUGH_ROUNDS if options.thorough else _ROUNDS)
    return Settings(rounds, options.threads or usable_cores())


def _got_slower(report: Mapping[str, Any], baseline: Mapping[str, Any], options: argparse.Namespace) -> bool:
    if not options.baseline_anyway:
        check_conditions(report, baseline)
    found = changes(report, baseline)
    slower = [change for change in found if change.low > 1 + options.fail_above]
    for change in found:
        print(f"{'SLOWER  ' if change in slower else 'baseline'}  {change}")
    for name in (gone := missing(report, baseline)):
        print(f"MISSING   {name}: timed in the baseline, and not now")
    return bool(slower or gone)
