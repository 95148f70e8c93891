"""What the processor is and can do, and how much memory this process has taken."""

import os
import platform
import re
import resource
import sys
from pathlib import Path

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


def peak_memory_bytes() -> int:
    """The peak resident memory of this process in bytes, shared libraries included.

    Linux' VmHWM is preferred: ru_maxrss also remembers the parent from before exec.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _cpuinfo(field: str) -> str | None:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), None)
