"""What the processor is, and what it can do."""

import os
import platform
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


def _cpuinfo(field: str) -> str | None:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith(field):
                return line.split(":", 1)[1].strip()
    return None
