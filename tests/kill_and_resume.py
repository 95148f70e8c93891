"""`python tests/kill_and_resume.py`: a transfer that is ended at random moments, and goes on, again and again.

Each run is a process of the command line with `--resume`; the last one is left alone. Its picture has to be that of a
run that was never ended, bit for bit.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from common import load_image
from common.backend import BACKENDS

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
RUN = ("--size", "64", "--precision", "float64", "--device", "cpu", "--checkpoint-every", "2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", default=",".join(BACKENDS), help="default: %(default)s")
    parser.add_argument("--signals", default=",".join(SIGNALS), help="default: %(default)s")
    parser.add_argument("--optimizer", default="lbfgs", choices=("adam", "lbfgs"), help="default: %(default)s")
    parser.add_argument("--times", type=int, default=20, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    given = parser.parse_args()
    results = [
        ended_again_and_again(backend, name, given.optimizer, given.times, random.Random(given.seed))
        for backend in given.backends.split(",")
        for name in given.signals.split(",")
    ]
    return 0 if all(results) else 1


def ended_again_and_again(backend: str, name: str, optimizer: str, times: int, moments: random.Random) -> bool:
    """Whether the run that was ended `times` times made the picture of the other, and no more; prints a line."""
    steps = 10 * times  # so that there is something left to end
    command = [sys.executable, "-m", BACKENDS[backend].package, *RUN, "--steps", str(steps), "--optimizer", optimizer]
    with tempfile.TemporaryDirectory() as folder:
        whole, resumed = Path(folder) / "whole.png", Path(folder) / "resumed.png"
        before_s = time.monotonic()
        subprocess.run([*command, "-o", whole], check=True, capture_output=True)
        longest_s = time.monotonic() - before_s
        seconds = [moments.uniform(0, min(longest_s, 12)) for _ in range(times)]
        codes = [ended([*command, "-o", str(resumed), "--resume"], SIGNALS[name], each) for each in seconds]
        subprocess.run([*command, "-o", resumed, "--resume"], check=True, capture_output=True)
        same = np.array_equal(load_image(whole), load_image(resumed))
        left = sorted(path.name for path in Path(folder).iterdir())
    ended_early = sum(code != 0 for code in codes)
    print(f"{backend}, {optimizer}, {name}: {ended_early} runs ended, same picture: {same}, left: {', '.join(left)}")
    return same and set(left) <= {"whole.png", "resumed.png", "resumed-partial.png"}


def ended(command: list[str], number: int, after_s: float) -> int:
    """The exit code of a process that is sent a signal after some seconds; an error of its own is raised."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        _, said = process.communicate()
    if process.returncode not in (0, -number, 128 + number):
        raise RuntimeError(f"exit code {process.returncode}: {said}")
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
