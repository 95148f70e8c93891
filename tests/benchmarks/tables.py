"""What a benchmark writes: its values as JSON and its table as Markdown, with the machine above both."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.backend import BACKENDS
from common.machine import cpu_model, usable_cores


def parser(description: str, sizes: str = "256,512", rounds: bool = True) -> ArgumentParser:
    """The options that benchmarks have in common; `rounds` where measurements are repeated."""
    options = ArgumentParser(description=description)
    options.add_argument("--sizes", type=numbers, default=numbers(sizes), metavar="S,...", help=f"default: {sizes}")
    if rounds:
        options.add_argument("--rounds", type=int, default=3, metavar="N", help="default: %(default)s")
    options.add_argument("--output", type=Path, default=Path("benchmarks"), metavar="DIR", help="default: %(default)s")
    return options


def numbers(text: str) -> list[int]:
    """Whole numbers separated by commas."""
    return [int(part) for part in text.split(",")]


def machine() -> str:
    """The machine and the versions, in one line."""
    versions = {name: number for entry in BACKENDS.values() for name, number in entry.versions().items()}
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"{usable_cores()} cores of {cpu_model()}, Python {sys.version.split()[0]}, {told}"


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as a table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write(folder: Path, name: str, values: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write NAME.json and NAME.md, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"machine": machine(), "values": values}, indent=1) + "\n")
    text = f"{machine()}\n\n{markdown(rows)}"
    (folder / f"{name}.md").write_text(text)
    print(text)


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)
