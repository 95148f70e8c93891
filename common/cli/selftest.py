"""`compare.py selftest`: the instrument is given the same thing twice, and the same thing made slower by design."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from common.cli.requests import measured_request_from
from common.comparison import Request, Row, Scene
from common.comparison.measurement import Others, Ratio, paired_ratio
from common.comparison.progress import Progress
from common.comparison.row_runner import RowRunner
from common.comparison.session import evaluations_per_round, take_turns
from common.comparison.workers import Delay
from common.errors import RosettaError
from common.terminal import console, fitted, plain_table

_DELAYS = {"itself": 0.0, "itself, 5% slower": 0.05, "itself, 20% slower": 0.20}
_LONGEST = max(_DELAYS.values())
_MOST_FALSE_ALARMS, _MOST_MISSED = 1 / 20, 5 / 20


@dataclass(frozen=True)
class Trial:
    """One comparison of a row with itself: the true ratio, what was measured, and what others took of the machine."""

    true: float
    ratio: Ratio
    others_fraction: float

    @property
    def right(self) -> bool:
        """Whether a difference is claimed where there is one, in its direction, and none where there is none."""
        return self.ratio.shown == (self.true != 1) and (self.true == 1 or self.ratio.ratio > 1)

    @property
    def held(self) -> bool:
        """Whether the interval holds the truth."""
        return self.ratio.low <= self.true <= self.ratio.high


def run(options: argparse.Namespace) -> int:
    """0 when differences are claimed where they are and only there, 1 when not."""
    return selftest(measured_request_from(options), options.repeats)


def selftest(request: Request, repeats: int) -> int:
    """Compare a row with itself, and with itself made 5% and 20% slower by a known delay.

    0 when at most 1 of 20 verdicts claims a difference where there is none, 20% are always found and 5% mostly.
    """
    row, *others = request.rows
    if others:
        only = f"a self-test takes one row, and {row.name} is not the only one"
        raise RosettaError(f"{only}: name a backend, a mode, a size")
    scene, rows = Scene.of(request), delayed(row)
    scene.check_sizes(request.sizes)
    scene.check_memory([scene.transfer(it) for it in rows])
    trials: list[Trial] = []
    try:
        with Progress() as progress:
            progress.stage("self-test", repeats * len(rows) * request.rounds)
            for repeat in range(repeats):
                runners = [RowRunner(it, scene, request.threads, progress) for it in rows]
                trials += list(_trials(runners, request.rounds, repeat))
    finally:
        if trials:
            _print(trials, f"{row.name} against itself, {request.rounds} rounds a time, new processes each time")
    return 0 if passed(trials) else 1


def delayed(row: Row) -> list[Row]:
    """The row itself, and the rows that it is compared with; all of them wait equally long, timed or not."""
    return [
        replace(row, kind=f"{row.kind} as {name}", delay=Delay(timed, _LONGEST - timed))
        for name, timed in {"A": 0.0, **_DELAYS}.items()
    ]


def passed(trials: Sequence[Trial]) -> bool:
    """Whether there are few false alarms, few small differences missed, and no large one."""

    def wrong(delay: float) -> float:
        rights = [trial.right for trial in trials if trial.true == 1 + delay]
        return rights.count(False) / len(rights)

    return wrong(0.0) <= _MOST_FALSE_ALARMS and wrong(0.05) <= _MOST_MISSED and wrong(0.20) == 0


def _trials(runners: Sequence[RowRunner], rounds: int, seed: int) -> Iterator[Trial]:
    """Four new processes, measured in turns; the first against each of the rest."""
    with ExitStack() as closing:
        for runner in runners:
            closing.callback(runner.close)
            runner.attempt("importing", runner.start)
            runner.attempt("building, first evaluation", runner.prepare)
        watch = Others(runner.pid for runner in runners if runner.pid is not None)
        take_turns(runners, rounds, evaluations_per_round(runners), seed)
        others_fraction = watch.fraction() or 0.0
    first, *rest = (runner.result for runner in runners)
    for result in rest:
        ratio = paired_ratio(result.row.name, result.rounds_s, first.row.name, first.rounds_s)
        if ratio is None:
            raise RosettaError(f"the self-test could not measure: {first.why or result.why}")
        yield Trial(1 + result.row.delay.timed, ratio, others_fraction)


def _print(trials: Sequence[Trial], title: str) -> None:
    headings = ("times", "difference\nshown", "interval holds\nthe truth", "ratios measured")
    out, table = console(), plain_table(title, "compared with", *headings)
    for name, delay in _DELAYS.items():
        delayed_so = [trial for trial in trials if trial.true == 1 + delay]
        ratios = [trial.ratio for trial in delayed_so]
        shown, held = sum(ratio.shown for ratio in ratios), sum(trial.held for trial in delayed_so)
        span = f"{min(it.ratio for it in ratios):.3f} to {max(it.ratio for it in ratios):.3f}"
        table.add_row(name, str(len(ratios)), str(shown), str(held), span)
    wrong = [f"true ratio {trial.true:g}: {trial.ratio.verdict}" for trial in trials if not trial.right]
    taken = [trial.others_fraction for trial in trials]
    last = f"Other processes took {min(taken):.0%} to {max(taken):.0%} of the machine."
    out.print(fitted(table, out, "times"), "", *wrong, last, sep="\n")
