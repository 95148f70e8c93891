"""How much memory this process may take: the machine's, that of its control groups, and the shell's limits."""

import re
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_OWN_GROUPS, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
# Of version 2 and of version 1: the limit, what is taken, and what of that the system gives back when asked.
_FILES = (
    ("memory.max", "memory.current", r"^inactive_file (\d+)"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", r"^total_inactive_file (\d+)"),
)


@dataclass(frozen=True)
class MachineMemory:
    """The bytes that a process can have at most, and those that are free now."""

    total_bytes: int
    free_bytes: int

    @classmethod
    def now(cls) -> "MachineMemory":
        """What holds here: the least of what the machine, a container or a batch system, and `ulimit` allow."""
        import psutil  # here, since --help would wait

        machine = psutil.virtual_memory()
        known = [(machine.total, machine.available), *_of_control_groups(), *_of_limits()]
        return cls(min(total for total, _ in known), min(free for _, free in known))


def _of_control_groups() -> Iterator[tuple[int, int]]:
    for group in _groups():
        for limit, taken, given_back in _FILES:
            with suppress(OSError, ValueError):  # no such file, and "max" is no number
                total, taken_bytes = (int((group / name).read_text()) for name in (limit, taken))
                found = re.search(given_back, (group / "memory.stat").read_text(), re.MULTILINE)
                yield total, max(0, total - taken_bytes + int(found[1] if found else 0))


def _groups() -> Iterator[Path]:
    """The folders of the control groups that this process is in, and of those around them."""
    lines = _OWN_GROUPS.read_text().splitlines() if _OWN_GROUPS.exists() else []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "memory" in controllers.split(","):
            root = _GROUPS / "memory" if controllers else _GROUPS
            group = root / path.lstrip("/")
            yield from (it for it in (group, *group.parents) if it.is_relative_to(root))


def _of_limits() -> Iterator[tuple[int, int]]:
    """What `ulimit -v` and `ulimit -d` allow, which resident memory cannot exceed."""
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield soft, soft
