"""A case: one command line in a folder of its own, and what should become of it."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The exit codes that are right.
REFUSED, ACCEPTED = (2,), (0,)
CHECKED = (0, 1)  # `check` looked at it, and it is the same or not
EITHER = (0, 2)  # the documentation leaves it open; all else is judged
EXAMINED = (0, 1, 2)  # the same, of `check`

# What a file is made of: its bytes, or a function of its path.
Source = bytes | Callable[[Path], object]

# Half of the cases was run while the table was made, a quarter for the first time when everything was finished, and a
# quarter waits to be run for the first time when the program has changed.
WORKED, FIRST, LATER = "worked with", "first run", "later"
PARTS = (WORKED, FIRST, WORKED, LATER)

QUICK = ("--size", "32", "--steps", "1", "--weights", "random", "--device", "cpu")
PICTURES = ("content.png", "style.png")  # good ones, in the folder of every case


@dataclass(frozen=True)
class Case:
    """`command` begins with a program: `torch`, `keras` or `compare`; `files` are made beside the good pictures."""

    kind: str  # its class in the table
    sentence: str
    command: tuple[str, ...]
    expects: tuple[int, ...] = REFUSED
    files: Mapping[str, Source] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()  # patterns of what it may write or change, when it is accepted
    keeps: tuple[str, ...] = ()  # the same, when it is refused
    late: bool = False  # only the framework knows that it must be refused: lines of progress may come first

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.sentence}"

    @property
    def part(self) -> str:
        """Which of PARTS it is of; a checksum says so."""
        return PARTS[zlib.crc32(self.name.encode()) % 4]


def transfer(
    kind: str, sentence: str, *options: str, program: str = "torch", pictures: tuple[str, ...] = PICTURES, **more
) -> Case:
    """A transfer that is good but for `options` and `pictures`."""
    command = (program, *pictures, "-o", "out.png", *QUICK, *options)
    return Case(kind, sentence, command, **{"leaves": ("out.png",), **more})


def compare(kind: str, sentence: str, *command: str, **more) -> Case:
    """A command of compare.py."""
    return Case(kind, sentence, ("compare", *command), **more)


def timing(kind: str, sentence: str, *options: str, **more) -> Case:
    """A comparison of one row, short and good but for `options`."""
    brief = ("--backends", "torch", "--rounds", "2", "--size", "32", "--steps", "1", "--weights", "random")
    return compare(kind, sentence, *PICTURES, *brief, *options, **{"leaves": ("report/*", "report"), **more})


def link(target: str) -> Source:
    return lambda path: path.symlink_to(target)


def copy(name: str) -> Source:
    """A copy of a file or folder of the stock."""
    from bad_input.stock import copied

    return lambda path: copied(name, path)
