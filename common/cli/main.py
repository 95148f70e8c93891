"""The command lines of `compare.py` and of the console script `style-rosetta`.

A command's module is imported when the command runs, so that `--help` is quick.
"""

import argparse
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.backend import BACKENDS
from common.cli import options as of
from common.cli.interrupts import interrupting
from common.comparison.request import DEFAULT_SIZE, DEFAULT_STEPS
from common.errors import did_you_mean, exit_code, leave
from common.input_files import is_ordinary
from common.recipes import FOR_PICTURES

_OWN_NAME, _CONSOLE_SCRIPT = "compare.py", "style-rosetta"
_transfers = " or ".join(f"`python -m {entry.package}`" for entry in BACKENDS.values())
USAGE = f"""\
compare.py [CONTENT STYLE]             agreement, timings and pictures, into report/
compare.py selftest                    does the instrument find a difference where there is one, and only there
compare.py losses CONTENT STYLE IMAGE  every loss term of a picture, by the oracle and each backend
compare.py gallery [CONTENT STYLE]     every recipe on every backend, as one picture
compare.py doctor [BACKEND ...]        every tensor of a backend, to the first that differs, and why
compare.py export DIR                  the reference's tensors and weights, for a port that is written elsewhere
compare.py check THEIRS                a port's tensors, or its picture: the first that differs, and why
compare.py plan                        the memory that a size takes, and the largest size that fits
compare.py recipes                     the recipes, with their sources and deviations

One picture is made by {_transfers}; start with --recipe {FOR_PICTURES}.

A command is recognised as the first argument only. A picture that is called like one is compared by
`compare.py ./check style.png` or `compare.py compare check style.png`."""
_WEIGHTS = """

The weights of the network: `compare.py export DIR` writes them as DIR/weights.safetensors, in the recipe's unit. The
path of the file that they are from (Keras' .h5; torchvision's .pth for "torchvision") is printed by

    python -c 'from common import locate_weights; print(locate_weights("keras"))'"""


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
        of.THREE_PICTURES | of.LOSS | of.SIZE | of.TILE | of.PRECISION | of.ARITHMETIC | of.PRINT_JSON,
        {"precision": "float64"},
    ),
    "gallery": Command(
        "gallery:run",
        "Write gallery.png and each picture into the report's folder.",
        of.PICTURES
        | of.RECIPES_SHOWN
        | of.SIZE
        | of.TILE
        | of.OPTIMIZATION
        | of.PRECISION
        | of.ARITHMETIC
        | of.GALLERY,
        {"size": DEFAULT_SIZE, "optimizer": "recipe"},
    ),
    "doctor": Command(
        "check:run_doctor",
        "Compare every tensor of a backend, or of several, with the reference; 1 when something differs.",
        of.EXAMINED | of.CASE | of.TILE | of.PRECISION | of.FILES,
    ),
    "export": Command(
        "check:run_export",
        "Write the reference's tensors, by the float64 oracle, the network's weights and a manifest into a folder."
        + _WEIGHTS,
        of.BUNDLE | of.CASE,
    ),
    "check": Command(
        "check:run",
        "Compare a port's tensors with the reference: the first one that differs, those that inherit it, and why.\n"
        "With --picture, say what a finished picture shows: its size, how it was saved, and whether its loss is low.\n"
        "The exit code is 0 when nothing differs but by rounding, 1 when something does, 2 when it cannot be compared."
        + _WEIGHTS,
        of.PORT | of.CASE | of.FILES,
    ),
    "plan": Command(
        "plan:run",
        "Print the memory that a transfer takes on a CPU, by mode, size and tile, the largest size that fits into\n"
        "what is free, and the time of an evaluation. These are estimates; docs/performance.md has them beside what\n"
        "was measured.",
        of.PLANNED | of.OPTIMIZATION,
        {"default_size": "512,1024,2048", "tiles": "off,1024", "device": "cpu", "weights": None},
    ),
    "batch": Command(
        "batch:run",
        "Make a picture for each line of JOBS, a CSV file whose columns are content, style, backend, output and\n"
        "options of `python -m torch_impl` without dashes. Paths are relative to the file. The same command goes on\n"
        "after an interrupt and computes no picture again. The exit code is 0 when all are there, 1 when one failed.",
        of.BATCH,
    ),
    "recipes": Command("recipes:run", "Print the recipes."),
}


def main(argv: Sequence[str] | None = None, program: str = _OWN_NAME) -> int:
    """Run `compare.py`; returns 0 when all agree, 1 when something differs, 2 for bad input."""
    arguments = sys.argv[1:] if argv is None else argv

    def run() -> int:
        options = parse(arguments, program)
        with interrupting():
            return int(pkgutil.resolve_name(f"common.cli.{COMMANDS[options.command].run}")(options))

    return exit_code(program, run)


def style_rosetta(argv: Sequence[str] | None = None) -> int:
    """Run the console script, which has the commands of `compare.py`, and a transfer by the name of its backend."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and arguments[0] in BACKENDS:
        program, place = f"{_CONSOLE_SCRIPT} {arguments[0]}", "common.cli.stylize:main"
        leave(exit_code(program, lambda: int(pkgutil.resolve_name(place)(arguments[0], arguments[1:], program))))
    return main(arguments, _CONSOLE_SCRIPT)


def parse(arguments: Sequence[str], program: str = _OWN_NAME) -> argparse.Namespace:
    """The options of a command line, with the name of the command; what is wrong with them ends the process with 2."""
    first = arguments[0] if arguments else ""
    named = first in COMMANDS
    name = first if named else "compare"
    parser = of.OneLineParser(
        prog=f"{program} {name}" if named else program,
        description=_called(program, COMMANDS[name].description),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known = [*COMMANDS, *(BACKENDS if program == _CONSOLE_SCRIPT else ())]
    if not named and first.isalpha() and not is_ordinary(first) and (meant := did_you_mean(first, known)):
        parser.error(f"there is no command {first!r}{meant}")
    of.add_options(parser, COMMANDS[name].options, command=name, **COMMANDS[name].defaults)
    return parser.parse_args(arguments[named:])


def _called(program: str, text: str) -> str:
    """A text that names the command lines, as they are called by a program."""
    if program != _OWN_NAME:
        for entry in BACKENDS.values():
            text = text.replace(f"python -m {entry.package}", f"{program} {entry.name}")
    return text.replace(_OWN_NAME, program)
