"""The estimate of the peak memory: by hand for small networks, in its proportions, and beside real processes."""

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from common import LBFGS, Adam, Exactly, LongestSide, Stage, find_recipe, with_optimizer, with_pyramid, with_size
from common.backend import BACKENDS
from common.entry import Entry
from common.footprint import Footprint, Keeps
from common.memory import OracleRun, Transfer

RECIPE = find_recipe("d2l")
FRAMEWORK = Entry("framework", "Framework", "package", "adam", ("plain",))
TORCH = BACKENDS["torch"]


def transfer(size, recipe=RECIPE, entry=TORCH, **rest):
    return Transfer(entry, with_size(recipe, size), (300, 450), (512, 512), **rest)


def test_the_maps_of_two_layers_by_hand():
    """conv1_1 and relu1_1 of 10x20 pixels: 64 maps of 200 values; a style term at relu1_1, and no content."""
    recipe = replace(RECIPE, content_taps=(), content_weight=0.0, style_taps=("relu1_1",))
    recipe = replace(recipe, stages=(Stage(Exactly(10, 20), 5, Adam(0.1)),), style_size="content")
    keeps = Keeps(maps=1, pool_bytes=0, conv_maps=2.0, term_maps=3.0)
    entry = replace(FRAMEWORK, footprint=Footprint(base_bytes=1000, slack=1.0, modes={"plain": keeps}))
    map_bytes = 4 * 64 * 200
    kept, waiting, other_terms = map_bytes, map_bytes, 2 * map_bytes
    decoded, resized = 12 * (300 * 450 + 512 * 512), 12 * 3 * 200
    adam, kernels = 3 * 200 * 4 * 6, 4 * 9 * 3 * 64
    expected = 1000 + decoded + resized + adam + kernels + kept + waiting + other_terms
    assert Transfer(entry, recipe, (300, 450), (512, 512)).peak_bytes == expected


@pytest.mark.parametrize("name", BACKENDS)
def test_what_takes_more_is_estimated_to_take_more(name):
    entry = BACKENDS[name]
    small, large = (transfer(LongestSide(side), entry=entry).peak_bytes for side in (256, 512))
    larger = transfer(LongestSide(1024), entry=entry).peak_bytes
    assert small < large < larger
    assert 3 < (larger - large) / (large - small) < 5, "four times the pixels"
    by_precision = [
        transfer(LongestSide(512), entry=entry, precision=precision).peak_bytes
        for precision in ("bfloat16", "float32", "float64")
    ]
    assert by_precision == sorted(by_precision)


@pytest.mark.parametrize("name", [name for name, entry in BACKENDS.items() if "lean" in entry.modes])
def test_lean_takes_less(name):
    lean, default = (transfer(LongestSide(512), entry=BACKENDS[name], mode=mode).peak_bytes for mode in ("lean", None))
    assert lean < default


def test_l_bfgs_holds_two_vectors_for_each_step_in_its_memory():
    short, long = (
        transfer(Exactly(100, 200), replace(RECIPE, stages=(Stage(Exactly(1, 2), 500, LBFGS(memory)),))).peak_bytes
        for memory in (10, 30)
    )
    assert long - short == 2 * 20 * 8 * 3 * 100 * 200
    few = transfer(Exactly(100, 200), replace(RECIPE, stages=(Stage(Exactly(1, 2), 10, LBFGS(30)),))).peak_bytes
    assert few == short, "ten steps fill ten"


def test_the_largest_stage_decides():
    recipe = with_size(with_optimizer(RECIPE, "adam"), LongestSide(512))
    assert transfer(LongestSide(512), with_pyramid(recipe)).peak_bytes == transfer(LongestSide(512), recipe).peak_bytes


def test_the_oracle_keeps_every_layer():
    recipe = replace(RECIPE, content_taps=("relu1_2",), style_taps=("relu1_1",), stages=RECIPE.stages[-1:])
    one, two = (OracleRun(with_size(recipe, Exactly(10, 20)), (30, 40), copies).peak_bytes for copies in (1, 2))
    assert two - one == 8 * 4 * 64 * 200  # conv1_1, relu1_1, conv1_2, relu1_2


@pytest.mark.thorough
@pytest.mark.parametrize("name", BACKENDS)
def test_a_real_process_takes_about_as_much(name, tmp_path):
    """Within a quarter, as builds of a framework differ; tests/benchmarks/memory.py measures the error."""
    options = ("--size", "256x256", "--steps", "4", "--optimizer", "adam", "--mode", "lean", "--device", "cpu")
    command = [sys.executable, "-m", BACKENDS[name].package, *options, "-o", str(tmp_path / "out.png")]
    measured_bytes = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:  # ru_maxrss would be that of the tests, which fork the process
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
            measured_bytes = max(measured_bytes, 1024 * int(found[1]) if found else 0)
            time.sleep(0.02)
    assert process.returncode == 0
    recipe = with_optimizer(RECIPE, "adam")
    estimated_bytes = transfer(Exactly(256, 256), recipe, BACKENDS[name], mode="lean").peak_bytes
    assert measured_bytes / 1.25 < estimated_bytes < measured_bytes * 1.25
