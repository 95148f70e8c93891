"""Whether others use the machine is noticed, and one's own workers are not others; by clocks that the test turns."""

from types import SimpleNamespace

import psutil
import pytest

from common.comparison import measurement
from common.comparison.measurement import Others

WORKER = 101


@pytest.fixture
def machine(monkeypatch):
    """Four cores, and the seconds of processor time that each process and the whole machine have used."""
    by_pid = {measurement.os.getpid(): 1.0, WORKER: 2.0}
    used = SimpleNamespace(clock_s=100.0, by_pid=by_pid, strangers_s=50.0, steal_s=0.0)

    class Process:
        def __init__(self, pid):
            self.pid = pid

        def cpu_times(self):
            if self.pid not in used.by_pid:
                raise psutil.NoSuchProcess(self.pid)
            return (used.by_pid[self.pid], 0.25, 99.0, 99.0)  # user, system, and what children have used

    def all_times():
        return SimpleNamespace(user=sum(used.by_pid.values()) + used.strangers_s, system=0.0, steal=used.steal_s)

    monkeypatch.setattr(measurement.time, "monotonic", lambda: used.clock_s)
    monkeypatch.setattr(measurement.psutil, "Process", Process)
    monkeypatch.setattr(measurement.psutil, "cpu_times", all_times)
    monkeypatch.setattr(measurement, "usable_cores", lambda: 4)
    return used


def test_strangers_count_and_workers_and_this_process_do_not(machine):
    others = Others([WORKER])
    machine.clock_s += 10.0
    machine.strangers_s += 12.0
    machine.by_pid[WORKER] += 9.0
    machine.by_pid[measurement.os.getpid()] += 3.0
    assert others.fraction() == pytest.approx(12.0 / (10.0 * 4))


def test_a_process_that_is_not_named_is_a_stranger(machine):
    others = Others([])
    machine.clock_s += 10.0
    machine.by_pid[WORKER] += 8.0
    assert others.fraction() == pytest.approx(8.0 / (10.0 * 4))


def test_what_the_host_takes_from_a_virtual_machine_counts(machine):
    others = Others([WORKER])
    machine.clock_s += 10.0
    machine.steal_s += 4.0
    assert others.fraction() == pytest.approx(4.0 / (10.0 * 4))


def test_clocks_that_tick_apart_give_no_negative_share(machine):
    others = Others([WORKER])
    machine.clock_s += 10.0
    machine.by_pid[WORKER] += 1.0
    machine.strangers_s -= 1.5
    assert others.fraction() == 0.0


def test_a_worker_that_has_ended_leaves_it_unknown(machine):
    others = Others([WORKER])
    machine.clock_s += 10.0
    del machine.by_pid[WORKER]
    assert others.fraction() is None
