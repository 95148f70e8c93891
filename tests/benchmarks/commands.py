"""Whole processes, run in turns: how long each takes, and how much memory."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tables import say

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """The wall time and the peak resident memory of a process, its start and imports included."""

    seconds: float
    peak_mb: float
    output: str


@dataclass(frozen=True)
class Spread:
    """The median of some measurements, with the least and the most."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(float(np.median(values)), float(min(values)), float(max(values)), len(values))

    def __str__(self) -> str:
        return f"{self.median:.4g} ({self.low:.4g} to {self.high:.4g})"


def run(command: Sequence[str], folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end; what fails ends the benchmark with its last words."""
    say(" ".join(Path(word).name for word in command))
    before_s = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}: {output[-2000:]}")
    peak_bytes = usage.ru_maxrss if sys.platform == "darwin" else 1024 * usage.ru_maxrss
    return Ran(time.perf_counter() - before_s, peak_bytes / 1e6, output)


def in_turns(commands: Mapping[str, Sequence[str]], rounds: int, **where) -> dict[str, list[Ran]]:
    """Run every command once a round, in an order drawn anew for each, so that a drift of the machine meets all."""
    ran = {name: [] for name in commands}
    order, generator = list(commands), random.Random(0)
    for _ in range(rounds):
        generator.shuffle(order)
        for name in order:
            ran[name].append(run(commands[name], **where))
    return ran
