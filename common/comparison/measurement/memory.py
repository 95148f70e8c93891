"""The largest resident memory of this process."""

import re
import resource
import sys
from pathlib import Path


def peak_memory_bytes() -> int:
    """The peak resident memory of this process in bytes, shared libraries included.

    Linux' VmHWM is preferred: ru_maxrss also remembers the parent from before exec.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
