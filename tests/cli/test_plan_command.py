"""`compare.py plan`: every mode at every size, and what does not fit is marked."""

import re

import pytest

from common.backend import BACKENDS
from common.cli import main as compare
from common.cli import plan
from common.memory import MachineMemory


@pytest.fixture
def planned(capsys, monkeypatch):
    """A function that prints a plan for a machine of 4 GB with 2 GB free, and gives its lines."""
    monkeypatch.setattr(plan.MachineMemory, "now", lambda: MachineMemory(4 * 10**9, 2 * 10**9))

    def run(*options):
        assert compare.main(["plan", *options]) == 0
        return capsys.readouterr().out.splitlines()

    return run


def cells(lines, name):
    (line,) = [line for line in lines if line.startswith(name)]
    return re.split(r"\s{2,}", line.strip())[1:]


def test_every_mode_has_a_line(planned):
    lines = planned()
    for entry in BACKENDS.values():
        for mode in entry.modes:
            assert len(cells(lines, f"{entry.name} {mode}, float32")) == 4
    assert len(cells(lines, "compare.py")) == 4


def test_what_does_not_fit_is_marked_and_the_largest_size_fits(planned):
    *peaks, largest = cells(planned("--sizes", "256,2048", "--modes", "lean"), "torch lean, float32")
    assert [peak.endswith("*") for peak in peaks] == [False, True]
    side = largest.removeprefix("--size ")
    (peak, _) = cells(planned("--sizes", side, "--modes", "lean"), "torch lean, float32")
    assert not peak.endswith("*")
    assert 1.98 < float(peak) <= 2.0


def test_options_shape_the_rows(planned):
    lines = planned("--backends", "torch", "--modes", "eager", "--precisions", "float32,float64", "--sizes", "200x300")
    assert float(cells(lines, "torch eager, float32")[0]) < float(cells(lines, "torch eager, float64")[0])
    assert not any("keras" in line or "lean" in line for line in lines)


def test_tiles_take_less_memory_and_more_time(planned):
    lines = planned("--sizes", "512,2048,4096", "--modes", "lean", "--tiles", "off,512,1024")
    whole, in_512, in_1024 = (
        [float(cell.rstrip("*")) for cell in cells(lines, f"torch lean{name}, float32")[:3]]
        for name in ("", " tile 512", " tile 1024")
    )
    assert whole[0] == in_512[0] == in_1024[0]
    assert in_512[2] < in_1024[2] < 0.4 * whole[2]
    whole_s, in_512_s, in_1024_s = (
        [float(it) for it in cells(lines, name)] for name in ("whole", "in tiles of 512", "in tiles of 1024")
    )
    assert whole_s[0] == in_512_s[0]
    assert 1.5 * whole_s[2] < in_1024_s[2] < in_512_s[2] < 4.5 * whole_s[2]


def test_nothing_fits(planned, monkeypatch):
    monkeypatch.setattr(plan.MachineMemory, "now", lambda: MachineMemory(10**8, 10**8))
    assert cells(planned("--sizes", "64", "--modes", "lean"), "torch lean, float32")[-1] == "none"


@pytest.mark.parametrize("options", [["--sizes", "x"], ["--modes", "quick"], ["--recipe", "d3l"], ["--sizes", "8"]])
def test_bad_options_are_one_line(capsys, options):
    assert compare.main(["plan", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1
