"""The command line of `compare.py`. A command's module is imported when the command runs, so that `--help` is quick."""

import argparse
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.backend import BACKENDS
from common.cli import options as of
from common.comparison.plan import DEFAULT_SIZE, DEFAULT_STEPS
from common.errors import did_you_mean, exit_code
from common.input_files import is_ordinary

USAGE = """\
compare.py [CONTENT STYLE]             agreement, timings and pictures, into report/
compare.py selftest                    does the instrument find a difference where there is one, and only there
compare.py losses CONTENT STYLE IMAGE  every loss term of a picture, by the oracle and each backend
compare.py gallery [CONTENT STYLE]     every recipe on every backend, as one picture
compare.py doctor [BACKEND ...]        every tensor of a backend, to the first that differs, and why
compare.py export DIR                  the reference's tensors and weights, for a port that is written elsewhere
compare.py check THEIRS                a port's tensors, or its picture: the first that differs, and why
compare.py recipes                     the recipes, with their sources and deviations

A command is recognised as the first argument only. A picture that is called like one is compared by
`compare.py ./check style.png` or `compare.py compare check style.png`."""


@dataclass(frozen=True)
class Command:
    """A function of a module of this room, what it does in words, its options, and their defaults here."""

    run: str
    description: str
    options: of.Options = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


COMMANDS = {
    "compare": Command(
        "compare:run",
        USAGE,
        of.MEASURED | of.OPTIMIZATION | of.START | of.ARITHMETIC | of.BASELINE | of.REPORT,
        {"steps": DEFAULT_STEPS, "default_size": DEFAULT_SIZE},
    ),
    "selftest": Command(
        "selftest:run",
        "Compare a row with itself, and with itself made 5% and 20% slower by a known delay. The exit code is 0\n"
        "when at most 1 of 20 verdicts claims a difference where there is none, 20% are always found and 5% mostly.",
        of.MEASURED | of.ARITHMETIC | of.REPEATS,
        {"default_size": "128", "backends": next(iter(BACKENDS)), "optimizer": None},
    ),
    "losses": Command(
        "losses:run",
        "Print the loss terms of IMAGE by the oracle and each backend; the exit code is 0 when they agree, 1 when not.",
        of.THREE_PICTURES | of.LOSS | of.SIZE | of.PRECISION | of.ARITHMETIC | of.PRINT_JSON,
        {"precision": "float64"},
    ),
    "gallery": Command(
        "gallery:run",
        "Write gallery.png and each picture into the report's folder.",
        of.PICTURES | of.RECIPES_SHOWN | of.SIZE | of.OPTIMIZATION | of.PRECISION | of.ARITHMETIC | of.GALLERY,
        {"size": DEFAULT_SIZE, "optimizer": "recipe"},
    ),
    "doctor": Command(
        "check:run_doctor",
        "Compare every tensor of a backend, or of several, with the reference; 1 when something differs.",
        of.EXAMINED | of.CASE | of.PRECISION | of.FILES,
    ),
    "export": Command(
        "check:run_export",
        "Write the reference's tensors, by the float64 oracle, the network's weights and a manifest into a folder.",
        of.BUNDLE | of.CASE,
    ),
    "check": Command(
        "check:run",
        "Compare a port's tensors with the reference: the first one that differs, those that inherit it, and why.\n"
        "With --picture, say what a finished picture shows: its size, how it was saved, and whether its loss is low.\n"
        "The exit code is 0 when nothing differs but by rounding, 1 when something does, 2 when it cannot be compared.",
        of.PORT | of.CASE | of.FILES,
    ),
    "recipes": Command("recipes:run", "Print the recipes."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `compare.py`; returns 0 when all agree, 1 when something differs, 2 for bad input."""
    options = parse(sys.argv[1:] if argv is None else argv)
    place = f"common.cli.{COMMANDS[options.command].run}"
    return exit_code("compare.py", lambda: int(pkgutil.resolve_name(place)(options)))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line, with the name of the command; what is wrong with them ends the process with 2."""
    first = arguments[0] if arguments else ""
    named = first in COMMANDS
    parser = of.OneLineParser(prog="compare.py")
    if not named and first.isalpha() and not is_ordinary(first) and (meant := did_you_mean(first.lower(), COMMANDS)):
        parser.error(f"there is no command {first!r}{meant}")
    commands = parser.add_subparsers(dest="command")
    for name, command in COMMANDS.items():
        prog = "compare.py" if name == "compare" else f"compare.py {name}"
        formatter = argparse.RawDescriptionHelpFormatter
        added = commands.add_parser(name, prog=prog, description=command.description, formatter_class=formatter)
        of.add_options(added, command.options, **command.defaults)
    return parser.parse_args(list(arguments) if named else ["compare", *arguments])
