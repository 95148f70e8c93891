"""What the processor is and can do, how much memory this process has taken, and how the C library hands it out."""

import ctypes
import os
import platform
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h
_LARGE_BYTES = 16 * 2**20
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def cpu_model() -> str:
    """The processor's name as it gives it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def usable_cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def lacks_bfloat16() -> bool:
    """Whether the processor is known to have no bfloat16 instructions."""
    flags = _cpuinfo("flags") or _cpuinfo("Features")
    return flags is not None and not _BFLOAT16_FLAGS & set(flags.split())


def has_nvidia_gpu() -> bool:
    """Whether the system has what a GPU of NVIDIA's is reached by, which need not be usable by a framework."""
    return any(Path(place).exists() for place in ("/dev/nvidia0", "/dev/dxg"))  # the second in Windows' Linux


def lacks_gpu() -> bool:
    """Whether the system is known to have no GPU; a Linux shows NVIDIA's and AMD's as files."""
    return sys.platform == "linux" and not has_nvidia_gpu() and not Path("/dev/kfd").exists()


def peak_memory_bytes() -> int:
    """The peak resident memory of this process in bytes, shared libraries included.

    Linux' VmHWM is preferred: ru_maxrss also remembers the parent from before exec.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def repository_first() -> dict[str, str]:
    """The environment of a process that is to import this repository, whatever the folder is in which it runs.

    That folder may have a `common` of its own.
    """
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def use_memory_sparingly() -> None:
    """Have glibc serve all threads from one heap, and give large blocks back at once; call before threads start.

    Otherwise every thread of a framework has a heap of its own, with what it has freed, and an evaluation takes up to
    400 MB more. Nothing happens where the C library is another.
    """
    with suppress(AttributeError, OSError, TypeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _cpuinfo(field: str) -> str | None:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), None)
