"""A framework that runs out of memory says so in one line, whatever it raises."""

import importlib
import subprocess
import sys

import pytest

from common import Network, load_weights
from common.backend import BACKENDS, load_backend
from common.errors import OutOfMemoryError

# What the frameworks say of it, copied from runs under `ulimit -v` and from their issue trackers.
SAID = {
    "torch": [
        (
            RuntimeError,
            "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried to",
        ),
        (RuntimeError, "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.69 GiB total capacity)"),
        (RuntimeError, "MPS backend out of memory (MPS allocated: 17.55 GB)"),
        (RuntimeError, "std::bad_alloc"),
        (RuntimeError, "could not create a primitive"),
        (MemoryError, "Unable to allocate 8.00 GiB for an array"),
    ],
    "keras": [(MemoryError, "Unable to allocate 8.00 GiB for an array")],
}


def raised_in(name, error):
    arrays = sys.modules[f"{BACKENDS[name].package}.arrays"]
    with arrays.device_scope(Network(load_weights("random"))):
        raise error


@pytest.mark.parametrize(("name", "kind", "message"), [(name, *each) for name in SAID for each in SAID[name]])
def test_what_a_framework_says_of_it_is_translated(name, kind, message):
    load_backend(name)
    with pytest.raises(OutOfMemoryError, match=r"^out of memory on cpu: choose a smaller --size"):
        raised_in(name, kind(message))


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_not_of_memory_is_left(name):
    load_backend(name)
    with pytest.raises(RuntimeError, match="shapes"):
        raised_in(name, RuntimeError("the shapes do not fit"))


# After the framework is imported, 400 MB more are allowed.
LIMITED = """
import resource, sys
from common.backend import BACKENDS, load_backend
from common.cli import stylize
load_backend("torch")
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 400 * 2**20,) * 2)
sys.exit(stylize.main("torch", ["--size", "1024", "--steps", "1", "--device", "cpu", "-o", sys.argv[1]]))
"""


ALLOCATIONS = {
    "torch": lambda: importlib.import_module("torch").empty(10**14),
    "keras": lambda: importlib.import_module("tensorflow").zeros((10**7, 10**7)),
}


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_what_no_machine_can_hold(name):
    """The framework's own error, for 400 TB."""
    load_backend(name)
    arrays, network = sys.modules[f"{BACKENDS[name].package}.arrays"], Network(load_weights("random"))
    with pytest.raises(OutOfMemoryError, match=r"^out of memory on cpu"), arrays.device_scope(network):
        ALLOCATIONS[name]()


@pytest.mark.thorough
def test_a_real_process_without_memory_ends_in_one_line(tmp_path):
    """PyTorch's; TensorFlow's threads may end the process by a signal, which nothing can translate."""
    output = tmp_path / "out.png"
    output.write_bytes(b"the picture before")
    command = [sys.executable, "-c", LIMITED, str(output)]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    assert "out of memory" in process.stderr.splitlines()[-1]
    assert output.read_bytes() == b"the picture before"
