"""Who measures in which round."""

from dataclasses import dataclass, field

from common.comparison.rounds import take_turns
from common.comparison.timing import FEWEST_ROUNDS


@dataclass
class Row:
    """A row that does as it is told and notes its rounds."""

    name: str
    is_slow: bool
    journal: list[str]
    rounds_s: list[list[float]] = field(default_factory=list)

    def attempt(self, _, work, *arguments):
        return work(*arguments)

    def measure(self, evaluations):
        self.journal.append(self.name)
        return [1.0] * evaluations

    def note_round(self, durations_s):
        self.rounds_s.append(durations_s)


def _measured(slow: bool) -> tuple[list[Row], list[str]]:
    journal: list[str] = []
    rows = [Row("a", False, journal), Row("b", slow, journal)]
    take_turns(rows, 20, 3)
    return rows, journal


def test_every_row_measures_once_in_every_round():
    rows, journal = _measured(slow=False)
    assert all(row.rounds_s == [[1.0] * 3] * 20 for row in rows)
    assert [set(journal[at : at + 2]) for at in range(0, 40, 2)] == [{"a", "b"}] * 20


def test_the_order_within_a_round_changes():
    _, journal = _measured(slow=False)
    assert {"a", "b"} == set(journal[::2])


def test_a_slow_row_measures_in_the_fewest_rounds_and_does_not_hold_up_the_others():
    (quick, slow), _ = _measured(slow=True)
    assert [bool(one) for one in slow.rounds_s] == [True] * FEWEST_ROUNDS + [False] * (20 - FEWEST_ROUNDS)
    assert all(quick.rounds_s)
