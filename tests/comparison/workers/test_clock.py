"""Reading the clock, by a clock that the test turns."""

import pytest

from common.comparison.workers import clock
from common.comparison.workers.clock import NO_DELAY, Delay, seconds_of

WORK_NS, WAIT_NS, TICK_NS = 1_000_000, 250_000, 50
BOTH_NS = WORK_NS + WAIT_NS
READINGS_S = 10 * TICK_NS / 1e9  # reading the clock takes a tick, and a few readings lie in every duration


class Bench:
    """A clock, and work that takes time on it; notes what happened in which order."""

    def __init__(self):
        self.now_ns, self.events = 0, []

    def perf_counter_ns(self):
        self.now_ns += TICK_NS
        self.events.append("read")
        return self.now_ns

    def work(self):
        self.now_ns += WORK_NS
        self.events.append("work")

    def wait(self):
        self.now_ns += WAIT_NS
        self.events.append("wait")


@pytest.fixture
def bench(monkeypatch):
    bench = Bench()
    monkeypatch.setattr(clock, "time", bench)
    return bench


def without_repeats(events):
    return [event for before, event in zip(["", *events], events, strict=False) if event != before]


def test_the_device_is_idle_before_the_first_reading_and_after_each_work(bench):
    seconds_of(bench.work, bench.wait, 3)
    assert without_repeats(bench.events) == ["wait", *["read", "work", "wait"] * 3, "read"]


def test_a_duration_is_of_the_work_and_of_the_wait_for_it(bench):
    assert seconds_of(bench.work, bench.wait, 4) == pytest.approx([BOTH_NS / 1e9] * 4, abs=READINGS_S)


def test_the_wait_before_the_first_reading_is_not_in_the_first_duration(bench):
    first, second = seconds_of(bench.work, bench.wait, 2)
    assert first == second


def test_no_call_gives_no_duration(bench):
    assert seconds_of(bench.work, bench.wait, 0) == []
    assert "work" not in bench.events


@pytest.mark.parametrize("timed", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("untimed", [0.0, 0.05, 0.5])
def test_the_timed_part_of_the_delay_is_in_and_the_untimed_part_is_not(bench, timed, untimed):
    found = seconds_of(bench.work, bench.wait, 3, Delay(timed, untimed))
    assert found == pytest.approx([(1 + timed) * BOTH_NS / 1e9] * 3, abs=READINGS_S)


@pytest.mark.parametrize("delay", [Delay(0.3, 0.0), Delay(0.0, 0.3), Delay(0.2, 0.1), Delay(0.1, 0.2)])
def test_rows_that_wait_equally_long_take_equally_long(bench, delay):
    seconds_of(bench.work, bench.wait, 3, delay)
    assert bench.now_ns == pytest.approx(WAIT_NS + 3 * 1.3 * BOTH_NS, abs=3 * READINGS_S * 1e9)


def test_by_default_there_is_no_delay(bench):
    seconds_of(bench.work, bench.wait, 5)
    assert Delay(0.0, 0.0) == NO_DELAY
    assert bench.now_ns <= WAIT_NS + 5 * (BOTH_NS + 10 * TICK_NS)


def test_a_turn_ends_when_it_has_been_long_enough_but_not_before_the_first(bench, monkeypatch):
    monkeypatch.setattr(clock, "LONGEST_TURN_S", 2.5 * BOTH_NS / 1e9)
    assert len(seconds_of(bench.work, bench.wait, 10)) == 3
    monkeypatch.setattr(clock, "LONGEST_TURN_S", 1e-9)
    assert len(seconds_of(bench.work, bench.wait, 10)) == 1
