"""Runs a case as a process of its own, and says in what it was not as expected."""

import fnmatch
import hashlib
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bad_input.case import Case

ROOT = Path(__file__).parents[2]
REFUSAL_S, RUN_S = 30, 120  # a case ends within these; those that must be refused within the first
PEAK_BYTES = 2.5e9
ADDRESS_SPACE_BYTES = 20 * 2**30  # protects the machine; no case comes near it
PROGRAMS = {
    "torch": (sys.executable, "-m", "torch_impl"),
    "keras": (sys.executable, "-m", "keras_impl"),
    "compare": (sys.executable, str(ROOT / "compare.py")),
}

NOTES = ("note:", "warning:")
PROGRESS = (*NOTES, "importing ", "PyTorch ", "Keras/TensorFlow ", "[ ")  # how lines begin that are not the refusal

# What can be wrong; the columns of the table.
CODE, LINES, TRACEBACK, HANG, FILES, MEMORY, CONTROL = (
    "exit code",
    "not one line",
    "traceback",
    "hang",
    "files",
    "memory",
    "control characters",
)


@dataclass(frozen=True)
class Outcome:
    """What a process did."""

    code: int | None  # None where it had to be ended
    printed: str
    said: str  # on stderr
    seconds: float
    peak_bytes: int
    before: Mapping[str, str]  # every file, as what it is
    after: Mapping[str, str]

    @property
    def changed(self) -> list[str]:
        """The files and folders that came, went, or have other content."""
        return sorted(name for name in {*self.before, *self.after} if self.before.get(name) != self.after.get(name))


def outcome_of(case: Case, folder: Path, limit_s: float | None = None) -> Outcome:
    """Run a case in its folder, which is `folder / "here"`; temporary files go beside it."""
    here, temporary = folder / "here", folder / "temporary"
    temporary.mkdir()
    program, *rest = case.command
    before = content_of(folder)
    limit_s = limit_s or (REFUSAL_S if case.expects == (2,) else RUN_S)
    code, printed, said, seconds, peak = run((*PROGRAMS[program], *rest), here, environment(temporary), limit_s)
    return Outcome(code, printed, said, seconds, peak, before, content_of(folder))


def run(command: Sequence[str], here: Path, variables: Mapping[str, str], limit_s: float):
    """Exit code (None after the limit), stdout, stderr, seconds and peak resident memory of a process."""
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        begin_s = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=here,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            start_new_session=True,
        )
        resource.prlimit(process.pid, resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
        status, peak_bytes, ended = wait(process.pid, begin_s + limit_s)
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = [read_all(file) for file in (printed, said)]
    seconds = time.monotonic() - begin_s
    return process.returncode if ended else None, *texts, seconds, peak_bytes


def wait(pid: int, until_s: float):
    """Status and peak memory of a process and its children, and whether it ended by itself before `until_s`."""
    seen_bytes, found, ended = 0, 0, True
    while not found:
        seen_bytes = max(seen_bytes, own_peak_bytes(pid))
        found, status, usage = os.wait4(pid, os.WNOHANG)
        time.sleep(0 if found else 0.005)
        if time.monotonic() > until_s and not found and ended:
            os.killpg(pid, signal.SIGKILL)
            ended = False
    return status, peak_bytes(usage, seen_bytes), ended


def own_peak_bytes(pid: int) -> int:
    """The peak of a process that runs, without its children; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    kilobytes = re.search(r"VmHWM:\s+(\d+)", status)
    return int(kilobytes[1]) * 1024 if kilobytes else 0


def peak_bytes(usage: resource.struct_rusage, seen_bytes: int) -> int:
    """The peak of a process and its children, of which Linux counts the memory of the process that began it, too."""
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage.ru_maxrss * 1024 if usage.ru_maxrss > mine else seen_bytes


def read_all(file) -> str:
    file.seek(0)
    return file.read().decode(errors="surrogateescape")


def environment(temporary: Path) -> dict[str, str]:
    """The variables of a run: the checkout first on the path, and a home of its own for caches."""
    home = temporary.parent.parent / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STYLE_ROSETTA", "PYTHON"))}
    threads = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
    return (
        kept
        | threads
        | {
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(temporary),
            "HOME": str(home),
            "COLUMNS": "80",
        }
    )


def content_of(folder: Path) -> dict[str, str]:
    """What every file and folder below a folder is: its kind, and its sha256 or its target."""
    return {str(path.relative_to(folder)): description(path) for path in folder.rglob("*")}


def description(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"link to {path.readlink()}"
    if stat.S_ISREG(mode):
        return f"{mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return f"{mode:o}"


def faults_of(case: Case, outcome: Outcome) -> dict[str, str]:
    """What was not as expected, by its kind, in words; nothing when all was."""
    found = {
        HANG: "it did not end" if outcome.code is None else "",
        CODE: "" if outcome.code in (*case.expects, None) else f"exit code {outcome.code}, not {case.expects}",
        TRACEBACK: "a traceback" if "Traceback" in outcome.printed + outcome.said else "",
        LINES: many_lines(outcome, PROGRESS if case.late else NOTES) if outcome.code == 2 else "",
        CONTROL: control_characters(outcome.printed + outcome.said),
        FILES: unexpected_files(case, outcome) if outcome.code is not None else "",
        MEMORY: f"{outcome.peak_bytes / 1e9:.1f} GB" if outcome.peak_bytes > PEAK_BYTES else "",
    }
    return {kind: words for kind, words in found.items() if words}


def many_lines(outcome: Outcome, other: tuple[str, ...]) -> str:
    """A refusal is one line on stderr, besides notes and warnings, and nothing on stdout."""
    lines = [line for line in outcome.said.split("\n") if line and not line.startswith(other)]
    if len(lines) != 1:
        return f"{len(lines)} lines on stderr"
    return f"{len(outcome.printed)} characters on stdout" if outcome.printed else ""


def control_characters(text: str) -> str:
    """Control characters but the line's end, and bytes that are no UTF-8."""
    found = {character for character in text if character != "\n" and unicodedata.category(character) in ("Cc", "Cs")}
    return f"raw {', '.join(sorted(map(ascii, found)))}" if found else ""


def unexpected_files(case: Case, outcome: Outcome) -> str:
    allowed = case.leaves if outcome.code in (0, 1) else case.keeps
    patterns = [f"here/{pattern}" for pattern in allowed]
    odd = [name for name in outcome.changed if not any(fnmatch.fnmatchcase(name, each) for each in patterns)]
    more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
    return f"new, gone or changed: {', '.join(map(ascii, odd[:3]))}{more}" if odd else ""
