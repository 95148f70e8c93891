"""Whether somebody else uses the machine is noticed, and one's own workers are nobody else."""

import os
import subprocess
import sys
import time

import pytest

from common.comparison.measurement.contention import Others
from common.comparison.rendering.ranking import disturbed

BUSY = "import time; end = time.monotonic() + 20\nwhile time.monotonic() < end: pass"


@pytest.fixture
def spinning():
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    time.sleep(0.3)
    yield process.pid
    process.kill()
    process.wait()


def test_a_stranger_is_counted_and_a_worker_is_not(spinning):
    """Both watch the same second, so that whatever else runs is in both."""
    with_stranger, as_worker = Others([]), Others([spinning])
    time.sleep(1.5)
    seen, own = with_stranger.fraction(), as_worker.fraction()
    cores = len(os.sched_getaffinity(0))
    assert seen - own == pytest.approx(1 / cores, abs=0.25 / cores)


def test_a_worker_that_has_ended_leaves_it_unknown(spinning):
    others = Others([spinning])
    os.kill(spinning, 9)
    os.waitpid(spinning, 0)
    assert others.fraction() is None


def test_the_reports_say_so_from_a_tenth_up():
    assert disturbed({"others_fraction": 0.1}) == ""
    assert "took 45% of the machine" in disturbed({"others_fraction": 0.45})
