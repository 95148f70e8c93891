"""`compare.py`: do the rows agree, how fast is each, and where do they arrive."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.comparison.baseline import changes, check_conditions, read_baseline, save_baseline
from common.comparison.plan import plan_for
from common.comparison.report import Report
from common.comparison.report_files import report_folder, write_report
from common.comparison.rows import rows_from
from common.comparison.session import Session, Settings
from common.comparison.summary import print_summary
from common.comparison.view import View
from common.cpu import usable_cores
from common.images import check_folder

_ROUNDS, _THOROUGH_ROUNDS = 10, 20


def compare_command(options: argparse.Namespace) -> int:
    """Agreement, timings in turns, whole transfers, then the report; 1 when something differs or got slower."""
    folder = report_folder(options.report)
    if options.save_baseline is not None:
        check_folder(options.save_baseline)
    session, view = _session(options)
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    if baseline is not None and not options.baseline_anyway:
        check_conditions(Report.of(session, complete=False).to_json(), baseline)
    report = Report.of(session, complete=_finished(session, view))
    values = report.to_json()
    write_report(report, values, folder)
    if not report.complete:
        print(f"compare.py: interrupted; {folder}/report.html holds what was measured, incomplete", file=sys.stderr)
        return 130
    print_summary(report, folder)
    if options.save_baseline is not None:
        save_baseline(values, Path(options.save_baseline))
    slower = baseline is not None and _got_slower(values, baseline, options)
    return 0 if report.agrees and report.measured_anything and not slower else 1


def _session(options: argparse.Namespace) -> tuple[Session, View]:
    rows = rows_from(options)
    plans = {group: plan_for(group, options) for group in dict.fromkeys(row.group for row in rows)}
    view = View([row.name for row in rows])
    return Session(rows, plans, settings_from(options), view), view


def settings_from(options: argparse.Namespace) -> Settings:
    """The number of rounds and of threads that the options ask for, or their defaults."""
    rounds = options.rounds or (_THOROUGH_ROUNDS if options.thorough else _ROUNDS)
    return Settings(rounds, options.threads or usable_cores())


def _finished(session: Session, view: View) -> bool:
    try:
        with view:
            session.run()
    except KeyboardInterrupt:
        return False
    return True


def _got_slower(report: Mapping[str, Any], baseline: Mapping[str, Any], options: argparse.Namespace) -> bool:
    if not options.baseline_anyway:
        check_conditions(report, baseline)
    found = changes(report, baseline)
    slower = [change for change in found if change.low > 1 + options.fail_above]
    for change in found:
        print(f"{'SLOWER  ' if change in slower else 'baseline'}  {change}")
    return bool(slower)
