"""Gives mutated inputs to a reader: it returns or raises RosettaError, with one line, soon and in little memory.

`python -m bad_input.fuzzing READER COUNT SEED` runs one in a process of its own, since a crash of a library in C would
end this one; it prints what it found as JSON.
"""

import contextlib
import faulthandler
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bad_input.judge import ROOT, environment
from bad_input.readers import READERS, Reader

INPUT_S = 2.0  # processor time of one input
GROWTH_BYTES = 700e6  # of the peak, by one input
ADDRESS_SPACE_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Tally:
    """What a reader did with its inputs; `faults` are the kinds and words of what was not as expected, by number."""

    reader: str
    tried: int = 0
    refused: int = 0
    accepted: int = 0
    slowest_s: float = 0.0
    growth_bytes: int = 0  # of the peak, over all inputs
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)


class TookTooLong(BaseException):
    """The watchdog's; no reader catches it."""


@contextlib.contextmanager
def watchdog() -> Iterator[None]:
    def end(*_) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, INPUT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fuzzed(reader: Reader, count: int, seed: int) -> Tally:
    """Try `count` inputs; the same seed makes the same ones, and each can be made by itself."""
    refused, slowest_s, faults = 0, 0.0, {}
    with tempfile.TemporaryDirectory() as folder:
        begin_bytes = once(reader, Path(folder))
        for number in range(count):
            chance = random.Random(f"{reader.name} {seed} {number}")
            given = reader.make(chance, Path(folder))
            before_s, before_bytes = time.process_time(), peak_bytes()
            words, fault = tried(reader, given)
            took_s, grew_bytes = time.process_time() - before_s, peak_bytes() - before_bytes
            refused += words == "refused"
            slowest_s = max(slowest_s, took_s)
            fault = fault or measured(took_s, grew_bytes)
            if fault:
                faults[str(number)] = fault
    accepted = count - refused - len(faults)
    return Tally(reader.name, count, refused, accepted, slowest_s, peak_bytes() - begin_bytes, faults)


def once(reader: Reader, folder: Path) -> int:
    """Read one input, so that imports do not count; the peak after it."""
    tried(reader, reader.make(random.Random(0), folder))
    return peak_bytes()


def tried(reader: Reader, given) -> tuple[str, tuple[str, str] | None]:
    """Whether an input was refused, and what was wrong with how."""
    from common import RosettaError

    try:
        with watchdog(), warnings.catch_warnings(action="ignore"):
            reader.read(given)
    except RosettaError as error:
        line = str(error)
        one_line = line and not {"\n", "\r"} & set(line)  # the command lines escape all other control characters
        return "refused", None if one_line else ("not one line", repr(line))
    except TookTooLong:
        return "", ("hang", f"more than {INPUT_S:g} s of processor time")
    except BaseException as error:  # whatever else comes out of a reader is what is looked for
        return "", ("traceback", f"{type(error).__name__}: {str(error)[:300]}")
    return "accepted", None


def measured(took_s: float, grew_bytes: int) -> tuple[str, str] | None:
    if took_s > INPUT_S:
        return "hang", f"{took_s:.1f} s of processor time"
    return ("memory", f"the peak grew by {grew_bytes / 1e6:.0f} MB") if grew_bytes > GROWTH_BYTES else None


def fuzzed_apart(reader: Reader, count: int, seed: int, work: Path) -> Tally:
    """The tally of a process of its own; that it crashed is a fault."""
    temporary = work / "temporary"
    temporary.mkdir(exist_ok=True)
    variables = environment(temporary) | {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
        "STYLE_ROSETTA_BAD_INPUT": str(work),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "bad_input.fuzzing", reader.name, str(count), str(seed)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        return Tally(reader.name, faults={"?": ("crash", f"exit code {done.returncode}: {done.stderr[-1500:]}")})
    return Tally(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    faulthandler.enable()
    name, count, seed = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    [reader] = (each for each in READERS if each.name == name)
    print(json.dumps(asdict(fuzzed(reader, int(count), int(seed)))))


if __name__ == "__main__":
    main()
