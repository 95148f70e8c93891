"""`python tests/run_documented_commands.py`: run every command of the README and docs/, and print what differs.

A command is a line of an indented block that begins with `python`, or a line of a `console` block that begins with `$`.
The lines below a `$` line are the output that the page shows. Numbers are masked before outputs are compared, and a
line of `...` stands for any lines. A comment above a block says what is special about it: `<!-- slow: 13 min -->`
(run with --all), `<!-- template -->` (names files of the reader's, not run), `<!-- exits with 1 -->`.
"""

import argparse
import difflib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
_BLOCK = re.compile(
    r"(?:^<!-- (?P<remark>[^\n]*) -->\n+)?(?:^```(?P<kind>\w*)\n(?P<fenced>.*?)^```|(?P<indented>(?:^    [^\n]*\n)+))",
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Command:
    """One command of a page, what the page remarks above its block, and the output that the page shows."""

    page: str
    text: str
    remark: str = ""
    output: tuple[str, ...] = ()

    @property
    def is_template(self) -> bool:
        return self.remark == "template"

    @property
    def is_slow(self) -> bool:
        return self.remark.startswith("slow")

    @property
    def exit_code(self) -> int:
        return int(self.remark.removeprefix("exits with")) if self.remark.startswith("exits with") else 0


def commands_of(page: str, text: str) -> Iterator[Command]:
    """The commands of a page, in order."""
    for block in _BLOCK.finditer(text):
        remark = block["remark"] or ""
        if block["kind"] == "console":
            for part in re.split(r"^\$ ", block["fenced"], flags=re.MULTILINE)[1:]:
                first, *output = part.splitlines()
                yield Command(page, first, remark, tuple(output))
        for line in (block["indented"] or "").splitlines():
            if line.startswith("    python "):
                yield Command(page, line.split("  #")[0].strip(), remark)


def all_commands() -> list[Command]:
    return [command for page in PAGES for command in commands_of(page, (ROOT / page).read_text())]


def masked(lines: list[str]) -> list[str]:
    """Lines without numbers and without the widths that numbers make."""
    return [re.sub(r"[\s─━]+", " ", _NUMBER.sub("#", line)).strip() for line in lines if line.strip()]


def differences(command: Command, printed: str) -> list[str]:
    """What a command printed otherwise than its page shows; a line of `...` stands for any lines."""
    shown, got = masked(list(command.output)), masked(printed.splitlines())
    if "..." in shown:
        return [f"- {line}" for line in shown if line != "..." and line not in got]
    return [line for line in difflib.ndiff(shown, got) if line[0] in "-+"] if shown else []


def run(command: Command, folder: Path) -> bool:
    """Run a command as a reader would, print its verdict, and say whether it did what its page shows."""
    start_s = time.monotonic()
    shell = re.sub(r"\bpython\b", sys.executable, command.text)
    process = subprocess.run(shell, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    other = differences(command, process.stdout)
    good = process.returncode == command.exit_code and not other
    verdict = "ok     " if good else "DIFFERS"
    print(
        f"{verdict} {time.monotonic() - start_s:6.1f} s  {command.page}: {command.text}",
        *other,
        sep="\n    ",
        flush=True,
    )
    if process.returncode != command.exit_code:
        printed = (process.stderr.strip() or process.stdout.strip())[-500:]
        print(f"    exit code {process.returncode}, not {command.exit_code}: {printed}")
    return good


def copy_of_the_repository(folder: Path) -> Path:
    """The files that git tracks, so that commands write nothing into the checkout."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, names):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="slow commands too")
    parser.add_argument("--page", help="one page, such as docs/timing.md")
    options = parser.parse_args()
    chosen = [command for command in all_commands() if options.page in (None, command.page) and not command.is_template]
    with tempfile.TemporaryDirectory() as name:
        folder = copy_of_the_repository(Path(name))
        good = [run(command, folder) for command in chosen if options.all or not command.is_slow]
    left_out = [command.text for command in chosen if command.is_slow and not options.all]
    print(f"{good.count(True)} commands ran as shown, {good.count(False)} did not; slow, left out: {len(left_out)}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
