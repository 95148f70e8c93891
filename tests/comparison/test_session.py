"""Who measures in which round, and what a session keeps of its groups."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from common import RosettaError
from common.comparison import Request, session
from common.comparison.row_runner import had_enough
from common.comparison.session import Session, take_turns


@dataclass
class Row:
    """A row whose evaluations take as long as it is told; notes its rounds, and who measured in the journal."""

    name: str
    evaluation_s: float
    journal: list[str]
    rounds_s: list[list[float]] = field(default_factory=list)

    @property
    def result(self):
        return self

    def attempt(self, _, work, *arguments):
        return work(*arguments)

    def measure(self, evaluations):
        self.journal.append(self.name)
        return [self.evaluation_s] * evaluations

    def note_round(self, durations_s):
        self.rounds_s.append(durations_s)


def _measured(slow_s: float = 1.0) -> tuple[list[Row], list[str]]:
    journal: list[str] = []
    rows = [Row("a", 1.0, journal), Row("b", slow_s, journal)]
    take_turns(rows, 20, 3)
    return rows, journal


def test_every_row_measures_once_in_every_round():
    rows, journal = _measured()
    assert all(row.rounds_s == [[1.0] * 3] * 20 for row in rows)
    assert [set(journal[at : at + 2]) for at in range(0, 40, 2)] == [{"a", "b"}] * 20


def test_the_order_within_a_round_changes():
    _, journal = _measured()
    assert {"a", "b"} == set(journal[::2])


def test_a_row_that_has_had_enough_misses_the_rest_and_does_not_hold_up_the_others():
    (quick, slow), _ = _measured(slow_s=11.5)  # seven rounds of three take more than four minutes
    assert [bool(one) for one in slow.rounds_s] == [True] * 7 + [False] * 13
    assert all(quick.rounds_s)


@pytest.mark.parametrize(
    ("evaluation_s", "rounds"), [(0.3, 20), (7.0, 20), (30.0, 9), (100.0, 3), (130.0, 2), (1000.0, 2)]
)
def test_enough_is_four_minutes_and_two_rounds_at_least(evaluation_s, rounds):
    rounds_s = []
    while len(rounds_s) < 20 and not had_enough(rounds_s):
        rounds_s.append([evaluation_s])
    assert len(rounds_s) == rounds


class IdleRunner:
    """A row that does nothing; of its group's size, ten seconds a round and five for its transfer."""

    pid, steps, expected_transfer_s = 1, 1, 5.0

    def __init__(self, row, *_):
        self.row, side_px = row, int(row.group.size)
        self.result = SimpleNamespace(rounds_s=(), size_px=(side_px, side_px))

    def attempt(self, *_):
        return None

    def expected_rounds_s(self, rounds, evaluations):
        return 10.0 * rounds

    note_round = close = start = finish = run = measure = attempt


class Told:
    """A progress that keeps what it is told."""

    def __init__(self):
        self.stages, self.expected_s = [], []
        self.stage = lambda name, *_: self.stages.append(name)
        self.say = self.warn = self.advance = lambda *_: None
        self.expect = self.expected_s.append
        self.paused = nullcontext

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def no_process(*_):
    raise RosettaError("no process here")


@pytest.fixture
def idle(monkeypatch):
    """A session of two sizes, the second of four times as many pixels, whose rows do nothing; and what is told."""
    told = Told()
    monkeypatch.setattr(session, "Worker", no_process)
    monkeypatch.setattr(session, "RowRunner", IdleRunner)
    monkeypatch.setattr(session, "Progress", lambda: told)
    monkeypatch.setattr(session, "Others", lambda _: SimpleNamespace(fraction=lambda: 0.4))
    request = Request(weights="random", sizes=("24", "48"), backends=("torch", "keras"), rounds=6)
    return Session(request), told


def test_each_part_is_told_as_soon_as_it_is_known(idle):
    comparison, told = idle
    comparison.run(lambda part, groups: told.stages.append((part, *(group.size for group in groups))))
    assert [it for it in told.stages if it != "references"] == [
        ("algorithm",),
        *("float32 24: preparing", ("agreement", "24")),
        *("float32 24: measuring", ("timing", "24")),
        *("float32 24: transfers", ("whole", "24")),
        *("float32 48: preparing", ("agreement", "48")),
        *("float32 48: measuring", ("timing", "48")),
        *("float32 48: transfers", ("whole", "48")),
    ]


def test_what_others_took_is_known_with_the_timing(idle):
    comparison, _ = idle
    seen = {}
    comparison.run(lambda part, _: seen.setdefault(part, comparison.others_fraction))
    assert (seen["agreement"], seen["timing"]) == (0.0, 0.4)


def test_the_rest_is_forecast_by_rounds_transfers_and_the_pixels_of_the_groups_to_come(idle):
    comparison, told = idle
    comparison.run()
    group_s = 2 * (6 * 10 + 5)  # two rows, six rounds of ten seconds, five for each transfer
    later_s = 4 * group_s
    assert told.expected_s == pytest.approx([group_s + later_s, 2 * 5 + later_s, group_s, 2 * 5], abs=1)


def test_the_most_that_others_took_in_any_group_is_kept(monkeypatch):
    fractions = iter([0.4, 0.1, None])
    monkeypatch.setattr(session, "Worker", no_process)
    monkeypatch.setattr(session, "RowRunner", IdleRunner)
    monkeypatch.setattr(session, "Others", lambda _: SimpleNamespace(fraction=lambda: next(fractions)))
    comparison = Session(Request(weights="random", sizes=("24", "32", "40"), backends=("torch",), rounds=1))
    comparison.run()
    assert comparison.others_fraction == 0.4
