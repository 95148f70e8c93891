"""The machine that the numbers are from, and the state of this repository."""

import platform
import subprocess
from pathlib import Path

import psutil

from common.comparison.reporting.report import Machine
from common.machine import cpu_model, usable_cores

_ROOT = Path(__file__).resolve().parents[3]


def describe_machine(gpu: str | None) -> Machine:
    """CPU, cores, memory, operating system, and the GPU that the rows ran on."""
    return Machine(cpu_model(), usable_cores(), psutil.virtual_memory().total, platform.platform(), gpu)


def commit() -> str | None:
    """The commit of this repository, with `+changes` if files differ from it; None where it is no checkout."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if head is None:
        return None
    return f"{head}+changes" if _git("status", "--porcelain", "--untracked-files=no") else head


def _git(*arguments: str) -> str | None:
    try:
        process = subprocess.run(["git", "-C", _ROOT, *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return process.stdout.strip()
