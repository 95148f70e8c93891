"""How busy the machine was with other things while something was measured."""

import os
import time
from collections.abc import Iterable

import psutil

from common.machine import usable_cores

# What a desktop does by itself stays below; a second benchmark, a build or a test run does not.
QUIET = 0.10


class Others:
    """Watches from its making on how much processor time went to others than this process and the given ones."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in (*pids, os.getpid())]
        self._start = (time.monotonic(), _all_s(), self._ours_s())

    def fraction(self) -> float | None:
        """The part of the machine's processor time that others took; None when one of the processes has ended."""
        ours_s = self._ours_s()
        start_s, start_all_s, start_ours_s = self._start
        if ours_s is None or start_ours_s is None:
            return None
        others_s = (_all_s() - start_all_s) - (ours_s - start_ours_s)
        return max(0.0, others_s / ((time.monotonic() - start_s) * usable_cores()))

    def _ours_s(self) -> float | None:
        try:
            return sum(sum(process.cpu_times()[:2]) for process in self._processes)
        except psutil.Error:
            return None


def _all_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "steal", 0.0))
