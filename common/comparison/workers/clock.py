"""Reading the clock around a piece of work, in nanoseconds and only when the device is idle."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Delay:
    """Busy waiting after a piece of work, as fractions of its duration: a part that is timed, and one that is not.

    Waiting has side effects (threads fall asleep, caches cool) that slow the next piece of work. Two rows that wait
    equally long suffer them equally, and differ by the timed part alone.
    """

    timed: float = 0.0
    untimed: float = 0.0


NO_DELAY = Delay()
_WARM_UP_NS = 50_000_000
LONGEST_TURN_S = 5.0


def seconds_of(work: Callable[[], Any], wait: Callable[[], None], times: int, delay: Delay = NO_DELAY) -> list[float]:
    """How long each of `times` calls takes, until the device has done it, with the timed part of the delay.

    There are fewer, and at least one, when they take longer than a turn may.
    """
    durations_s: list[float] = []
    wait()
    while len(durations_s) < times and sum(durations_s) < LONGEST_TURN_S:
        start_ns = time.perf_counter_ns()
        work()
        wait()
        work_ns = time.perf_counter_ns() - start_ns
        _spin(delay.timed * work_ns)
        durations_s.append((time.perf_counter_ns() - start_ns) / 1e9)
        _spin(delay.untimed * work_ns)
    return durations_s


def warm_up(work: Callable[[], Any], wait: Callable[[], None]) -> None:
    """Do the work for a short while, and at least once."""
    end_ns = time.perf_counter_ns() + _WARM_UP_NS
    while True:
        work()
        wait()
        if time.perf_counter_ns() >= end_ns:
            return


def _spin(duration_ns: float) -> None:
    end_ns = time.perf_counter_ns() + duration_ns
    while duration_ns and time.perf_counter_ns() < end_ns:
        pass
