"""The self-test's verdict: what it lets pass, which row is delayed, and that an instrument that sees nothing fails."""

import random

import pytest

from common.cli import selftest as command
from common.cli.selftest import Trial, delayed, passed, selftest
from common.comparison import Request
from common.comparison.measurement import Ratio


def trial(true, ratio, half_width=0.01):
    return Trial(true, Ratio("b", "a", ratio, ratio - half_width, ratio + half_width, 10), 0.0)


RIGHT = {1.0: trial(1.0, 1.0), 1.05: trial(1.05, 1.05), 1.2: trial(1.2, 1.2)}
WRONG = {1.0: trial(1.0, 1.04), 1.05: trial(1.05, 1.0), 1.2: trial(1.2, 1.0)}


def trials(true, wrong):
    """Twenty trials of each true ratio, all right but for some of one."""
    good = [RIGHT[each] for each in RIGHT for _ in range(20)]
    good.remove(RIGHT[true]) if wrong else None
    others = [it for it in good if it.true != true]
    return [*others, *[WRONG[true]] * wrong, *[RIGHT[true]] * (20 - wrong)]


@pytest.mark.parametrize(
    ("true", "wrong", "verdict"),
    [
        (1.0, 0, True),
        (1.0, 1, True),
        (1.0, 2, False),
        (1.05, 5, True),
        (1.05, 6, False),
        (1.2, 1, False),
    ],
)
def test_one_false_alarm_in_twenty_and_five_missed_small_differences_pass(true, wrong, verdict):
    assert passed(trials(true, wrong)) is verdict


def test_a_difference_in_the_wrong_direction_is_wrong():
    assert not trial(1.05, 0.95).right
    assert not trial(1.2, 0.8).right
    assert trial(1.05, 1.04).right


def test_the_interval_holds_the_truth_or_not():
    assert trial(1.05, 1.055).held
    assert not trial(1.05, 1.07).held


def test_every_row_waits_equally_long_and_each_is_timed_by_its_own_delay():
    (row,) = Request(backends=("torch",)).rows
    rows = delayed(row)
    assert [it.delay.timed for it in rows] == [0.0, 0.0, 0.05, 0.20]
    assert {it.delay.timed + it.delay.untimed for it in rows} == {0.20}
    assert len({it.name for it in rows}) == 4


class FakeRunner:
    """A row whose evaluations take a second, and as much more as it is delayed and the instrument sees."""

    sees = 1.0

    def __init__(self, row, scene, threads, progress):
        self.row, self.pid, self.result = row, None, self
        self.rounds_s, self.why = [], None
        self._random = random.Random(row.name)

    def attempt(self, _, work, *arguments):
        return work(*arguments)

    def start(self):
        pass

    prepare = close = start

    def measure(self, evaluations, forwards=1):
        second = 1 + self.sees * self.row.delay.timed
        return [second * self._random.uniform(0.999, 1.001) for _ in range(evaluations)]

    def note_round(self, durations_s):
        self.rounds_s.append(durations_s)


@pytest.mark.parametrize(("sees", "code"), [(1.0, 0), (0.0, 1), (-1.0, 1)])
def test_an_instrument_that_does_not_see_the_delay_fails(monkeypatch, capsys, sees, code):
    monkeypatch.setattr(command, "RowRunner", FakeRunner)
    monkeypatch.setattr(FakeRunner, "sees", sees)
    assert selftest(Request(weights="random", sizes=("48",), backends=("torch",), rounds=8), repeats=2) == code
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("itself, 20% slower") for line in lines)
