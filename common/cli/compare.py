"""`compare.py`: do the rows agree, how fast is each, and where do they arrive."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common.cli.interrupts import ignored
from common.cli.outputs import paths_read
from common.cli.requests import measured_request_from, note_noise
from common.comparison import Group, Request, reporting
from common.comparison.rendering import report_files, write_report
from common.comparison.session import Part, Session, check_asked_for
from common.errors import RosettaError, say
from common.writing import check_written, claimed, write_or_keep

_INCONCLUSIVE = 3  # an exit code
_SLOWER = 0.05
_OF_A_BASELINE = ("fail_above", "fail_inconclusive", "baseline_anyway")


def run(options: argparse.Namespace) -> int:
    """Agreement, timings in turns and transfers, each printed when known, then the report.

    1 when something differs, is slower or could not run; 3 when a baseline leaves open whether a row got slower, and
    that is to fail.
    """
    if options.baseline is None:
        for name in _OF_A_BASELINE:
            if getattr(options, name) not in (None, False):
                raise RosettaError(f"--{name.replace('_', '-')} is for a baseline: name one by --baseline FILE")
    request, folder = measured_request_from(options), Path(options.report)
    saved = [Path(name) for name in (options.save_baseline,) if name is not None]
    check_written([*saved, *report_files(request, folder)], paths_read(options))
    with claimed(*saved, folder=folder):
        return _run(request, folder, options)


def _run(request: Request, folder: Path, options: argparse.Namespace) -> int:
    session = Session(request)
    before = None if options.baseline is None else reporting.read_baseline(options.baseline)
    if before is not None and not options.baseline_anyway:
        reporting.check_conditions(reporting.report_of(session, complete=False)[0], before)
    check_asked_for(request)
    note_noise(request.recipe, options)
    now = _measured(session, folder, options.verbose)
    reporting.print_conclusion(now, folder)
    code = 0 if now.agrees and now.timed and session.has_timed_all_asked_for else 1
    if before is not None:
        if not options.baseline_anyway:
            reporting.check_conditions(now, before)
        compared = _compared(now, before, _SLOWER if options.fail_above is None else options.fail_above)
        code = code or (compared if compared != _INCONCLUSIVE or options.fail_inconclusive else 0)
    if code == 0 and options.save_baseline is not None:
        reporting.save_baseline(now, Path(options.save_baseline))
        disturbed = "; other processes disturbed them: make it again on a quiet machine" if now.disturbance else ""
        say(f"baseline -> {options.save_baseline}{disturbed}", sys.stdout)
    return code


def _measured(session: Session, folder: Path, verbose: bool) -> reporting.Report:
    """Run the session and write its report, an incomplete one before what ends it early goes on."""

    def show(part: Part, groups: Sequence[Group]) -> None:
        reporting.print_part(reporting.report_of(session, complete=False, groups=groups)[0], part, verbose)

    try:
        session.run(show)
    except BaseException:
        say(f"compare.py: ended early; writing what was measured to {folder}/, marked incomplete")
        _write(session, folder, complete=False)
        raise
    return _write(session, folder, complete=True)


def _write(session: Session, folder: Path, complete: bool) -> reporting.Report:
    report, pictures = reporting.report_of(session, complete)
    with ignored():
        write_or_keep(folder / "report.html", lambda page: write_report(report, pictures, page.parent))
    return report


def _compared(now: reporting.Report, before: reporting.Report, fraction: float) -> int:
    """Print what has changed since a baseline; 1 when a row got slower or is gone, 3 when that is open, else 0."""
    changes, gone = reporting.changes(now, before), reporting.missing(now, before)
    verdicts = [change.verdict(fraction) for change in changes]
    for verdict, change in zip(verdicts, changes, strict=True):
        say(f"{verdict:12}  {change}", sys.stdout)
    for name in gone:
        say(f"{'MISSING':12}  {name}: timed in the baseline, and not now", sys.stdout)
    if gone or "SLOWER" in verdicts:
        return 1
    if "inconclusive" not in verdicts:
        return 0
    wider = f"the interval reaches below and above {1 + fraction:g}; more --rounds make intervals narrower"
    say(f"inconclusive: {wider}", sys.stdout)
    return _INCONCLUSIVE
