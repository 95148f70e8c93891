"""What limits a process: the machine, its control groups, and `ulimit`."""

import resource
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from common.memory import MachineMemory, machine_memory

GB = 10**9


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 100 GB with 50 free, without limits; its control groups are files in a folder."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=100 * GB, available=50 * GB))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(machine_memory, "_OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine_memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def group(machine, own, place, **files):
    (machine / "cgroup").write_text(own)
    folder = machine / "groups" / place
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_a_machine_without_limits(machine):
    assert MachineMemory.now() == MachineMemory(100 * GB, 50 * GB)


@pytest.mark.parametrize("place", ["job/step", "job", "."])
def test_a_control_group_and_those_around_it_limit(machine, place):
    """As Slurm, Docker and Kubernetes do; what is cached of files is given back when it is needed."""
    files = {"memory__max": 8 * GB, "memory__current": 5 * GB, "memory__stat": f"anon 1\ninactive_file {GB}"}
    group(machine, "0::/job/step\n", place, **files)
    assert MachineMemory.now() == MachineMemory(8 * GB, 4 * GB)


def test_a_group_without_a_limit(machine):
    group(machine, "0::/job\n", "job", memory__max="max", memory__current=5 * GB, memory__stat="")
    assert MachineMemory.now() == MachineMemory(100 * GB, 50 * GB)


def test_a_group_of_version_1(machine):
    files = {"memory__limit_in_bytes": 8 * GB, "memory__usage_in_bytes": 7 * GB}
    group(machine, "4:cpu:/x\n3:memory:/job\n", "memory/job", **files, memory__stat="total_inactive_file 0")
    assert MachineMemory.now() == MachineMemory(8 * GB, GB)


def test_ulimit_limits():
    code = "from common.memory import MachineMemory; print(MachineMemory.now().total_bytes)"
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({2 * GB}, {2 * GB})); {code}"
    said = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=True).stdout
    assert int(said) == 2 * GB
