"""What Linux says of the processor and of the memory, and what is done where it says nothing."""

import os
import platform
import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from common import machine

XEON = "processor\t: 0\nmodel\t\t: 143\nmodel name\t: Intel(R) Xeon(R) @ 2.10GHz: a\nbugs\t\t: bf16\nflags\t\t: fpu "
ARM = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd "


@pytest.fixture
def cpuinfo(monkeypatch, tmp_path):
    """A function that gives /proc/cpuinfo a text; until then there is none."""
    fake = tmp_path / "cpuinfo"

    def path(name):
        return fake if name == "/proc/cpuinfo" else Path(name)

    monkeypatch.setattr(machine, "Path", path)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    return fake.write_text


@pytest.mark.parametrize(("there", "has"), [(["/dev/nvidia0"], True), (["/dev/dxg"], True), ([], False)])
def test_a_gpu_is_seen_by_its_driver(monkeypatch, there, has):
    monkeypatch.setattr(machine, "Path", lambda name: SimpleNamespace(exists=lambda: name in there))
    assert machine.has_nvidia_gpu() is has
    if sys.platform == "linux":
        assert machine.lacks_gpu() is not has


def test_the_model_is_what_the_processor_calls_itself(cpuinfo):
    cpuinfo(XEON)
    assert machine.cpu_model() == "Intel(R) Xeon(R) @ 2.10GHz: a"


def test_the_first_of_several_processors_speaks_for_all(cpuinfo):
    cpuinfo("model name\t: first\n\nmodel name\t: second\n")
    assert machine.cpu_model() == "first"


@pytest.mark.parametrize("text", [None, "", ARM, "model name\t: \n"])
def test_a_processor_without_a_name_is_called_by_its_architecture(cpuinfo, text):
    if text is not None:
        cpuinfo(text)
    assert machine.cpu_model() == "riscv64"


def test_the_platform_knows_better_than_the_architecture(cpuinfo, monkeypatch):
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert machine.cpu_model() == "arm"


@pytest.mark.parametrize("flags", [XEON + "avx512_bf16 sse", XEON + "amx_bf16", ARM + "sve bf16"])
def test_a_processor_with_bfloat16_instructions_lacks_nothing(cpuinfo, flags):
    cpuinfo(flags)
    assert not machine.lacks_bfloat16()


@pytest.mark.parametrize("flags", [XEON, XEON + "avx512f avx512_fp16", XEON + "not_bf16_at_all", ARM + "fphp"])
def test_a_processor_that_lists_its_instructions_without_bfloat16_lacks_it(cpuinfo, flags):
    cpuinfo(flags)
    assert machine.lacks_bfloat16()


@pytest.mark.parametrize("text", [None, "", "processor\t: 0\n"])
def test_a_processor_that_lists_no_instructions_is_not_known_to_lack_any(cpuinfo, text):
    if text is not None:
        cpuinfo(text)
    assert not machine.lacks_bfloat16()


def test_the_usable_cores_are_those_that_the_process_may_run_on(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert machine.usable_cores() == 3


@pytest.mark.parametrize(("count", "cores"), [(64, 64), (None, 1)])
def test_where_affinity_is_unknown_all_cores_are_usable_and_there_is_at_least_one(monkeypatch, count, cores):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert machine.usable_cores() == cores


@pytest.fixture
def status(monkeypatch, tmp_path):
    """A function that gives /proc/self/status a text; until then there is none."""
    fake = tmp_path / "status"
    monkeypatch.setattr(machine, "Path", lambda name: fake if name == "/proc/self/status" else Path(name))
    return fake.write_text


def test_linux_kb_are_of_1024_bytes(status):
    status("VmPeak:\t  999999 kB\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\n")
    assert machine.peak_memory_bytes() == 2_048_000


@pytest.mark.parametrize(("system", "peak_bytes"), [("linux", 3_072_000), ("darwin", 3_000)])
def test_elsewhere_the_peak_is_counted_in_kb_or_in_bytes(status, monkeypatch, system, peak_bytes):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=3000))
    assert machine.peak_memory_bytes() == peak_bytes


def test_the_peak_stays_when_the_memory_is_freed():
    """Beside psutil's resident memory, which counts in bytes."""
    process = psutil.Process()
    array = np.ones(10_000_000 + max(0, machine.peak_memory_bytes() - process.memory_info().rss) // 8)
    largest_bytes = process.memory_info().rss
    del array
    assert 0.99 * largest_bytes < machine.peak_memory_bytes() < 1.01 * largest_bytes


@pytest.mark.parametrize("library", [SimpleNamespace(), None], ids=["of another kind", "that is none"])
def test_another_c_library_is_left_alone(monkeypatch, library):
    def load(_):
        if library is None:
            raise OSError("no such library")
        return library

    monkeypatch.setattr(machine.ctypes, "CDLL", load)
    machine.use_memory_sparingly()


def test_glibc_is_told_of_one_heap_and_of_large_blocks(monkeypatch):
    told = {}
    library = SimpleNamespace(mallopt=lambda parameter, value: told.update({parameter: value}))
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: library)
    machine.use_memory_sparingly()
    assert told == {-8: 1, -3: 16 * 2**20}  # M_ARENA_MAX, M_MMAP_THRESHOLD
