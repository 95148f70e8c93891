"""The command line of `compare.py`. A command's module is imported when the command runs, so that `--help` is quick."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from common.backend import BACKENDS
from common.cli.options import (
    OneLineParser,
    add_arithmetic_options,
    add_loss_options,
    add_optimization_options,
    add_precision_option,
    add_size_option,
    add_start_option,
    add_weights_option,
    count_from,
    percentage_from,
    seed_from,
)
from common.cli.rows import add_row_options
from common.comparison import DEFAULT_SIZE, DEFAULT_STEPS
from common.errors import exit_code
from common.tensors import KINDS

_SELFTEST_SIZE = "128"

USAGE = """\
compare.py [CONTENT STYLE]             agreement, timings and pictures, into report/
compare.py selftest                    does the instrument find a difference where there is one, and only there
compare.py losses CONTENT STYLE IMAGE  every loss term of a picture, by the oracle and each backend
compare.py gallery [CONTENT STYLE]     every recipe on every backend, as one picture
compare.py doctor [BACKEND ...]        every tensor of a backend, to the first that differs, and why
compare.py export DIR                  the reference's tensors, for a port that is written elsewhere
compare.py check THEIRS                a port's tensors: the first that differs, and why
compare.py recipes                     the recipes, with their sources and deviations

A command is recognised as the first argument only. A picture that is called like one is compared by
`compare.py ./check style.png` or `compare.py compare check style.png`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `compare.py`; returns 0 when all agree, 1 when something differs, 2 for bad input."""
    options = parse(sys.argv[1:] if argv is None else argv)
    return exit_code("compare.py", lambda: int(importlib.import_module(f"common.cli.{options.command}").run(options)))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line, with the name of the command; what is wrong with them ends the process with 2."""
    named = bool(arguments) and arguments[0] in _COMMANDS
    parser = OneLineParser(prog="compare.py")
    commands = parser.add_subparsers(dest="command")
    for name, (add_options, description) in _COMMANDS.items():
        prog = "compare.py" if name == "compare" else f"compare.py {name}"
        formatter = argparse.RawDescriptionHelpFormatter
        add_options(commands.add_parser(name, prog=prog, description=description, formatter_class=formatter))
    return parser.parse_args(list(arguments) if named else ["compare", *arguments])


def _add_pictures(parser: argparse.ArgumentParser, nargs: str | None = "?") -> None:
    for picture in ("content", "style"):
        parser.add_argument(picture, nargs=nargs, help=f"the {picture} picture")


def _add_compare_options(parser: argparse.ArgumentParser) -> None:
    _add_pictures(parser)
    add_row_options(parser)
    add_loss_options(parser)
    add_optimization_options(parser)
    add_start_option(parser)
    add_arithmetic_options(parser)
    _add_baseline_options(parser)
    _add_report_option(parser, "the report")
    parser.add_argument("--verbose", action="store_true", help="print every compared quantity, not the worst alone")
    parser.set_defaults(steps=DEFAULT_STEPS)


def _add_selftest_options(parser: argparse.ArgumentParser) -> None:
    _add_pictures(parser)
    add_row_options(parser)
    add_loss_options(parser)
    add_arithmetic_options(parser)
    parser.add_argument(
        "--repeats", type=count_from, default=20, metavar="N", help="comparisons (default: %(default)s)"
    )
    parser.set_defaults(default_size=_SELFTEST_SIZE, backends=next(iter(BACKENDS)), optimizer=None)


def _add_losses_options(parser: argparse.ArgumentParser) -> None:
    _add_pictures(parser, nargs=None)
    parser.add_argument("image", help="the picture whose losses are wanted")
    add_loss_options(parser)
    add_size_option(parser)
    add_precision_option(parser)
    add_arithmetic_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(precision="float64")


def _add_gallery_options(parser: argparse.ArgumentParser) -> None:
    _add_pictures(parser)
    parser.add_argument("--recipes", metavar="NAME,...", help="which recipes (default: all)")
    add_size_option(parser)
    add_optimization_options(parser)
    add_precision_option(parser)
    add_arithmetic_options(parser)
    _add_report_option(parser, "the pictures")
    parser.set_defaults(size=DEFAULT_SIZE, optimizer="recipe")


def _add_doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("backend", nargs="*", help=f"of {', '.join(BACKENDS)} (default: all)")
    _add_case_options(parser)
    add_precision_option(parser)
    _add_file_options(parser)


def _add_export_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="where to write tensors.safetensors and manifest.json")
    _add_case_options(parser)


def _add_check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("theirs", nargs="?", metavar="THEIRS", help=f"the port's tensors: {KINDS}")
    parser.add_argument("--port", metavar="MODULE:NAME", help="a port in Python, which is called instead")
    parser.add_argument("--seed", type=seed_from, default=0, metavar="N", help="of random pictures (default: 0)")
    parser.add_argument("--against", metavar="BUNDLE", help="what `compare.py export` wrote (default: the samples)")
    _add_case_options(parser)
    _add_file_options(parser)


def _add_case_options(parser: argparse.ArgumentParser) -> None:
    """What is computed, and at which size: small by default, since every tensor is kept."""
    for role in ("content", "style"):
        parser.add_argument(f"--{role}", metavar="PICTURE", help=f"the {role} picture (default: the sample)")
    add_loss_options(parser)
    add_size_option(parser)
    add_weights_option(parser)


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the table and the diagnosis as JSON")
    parser.add_argument("--markdown", metavar="FILE", help="the same as Markdown")


def _add_report_option(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--report", default="report", metavar="DIR", help=f"folder for {what} (default: %(default)s)")


def _add_baseline_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--save-baseline", metavar="FILE", help="keep the timings for later runs")
    parser.add_argument("--baseline", metavar="FILE", help="compare with timings that were kept")
    parser.add_argument(
        "--fail-above", type=percentage_from, default=0.05, metavar="P%", help="what counts as slower (default: 5%%)"
    )
    parser.add_argument("--baseline-anyway", action="store_true", help="even of another machine, recipe or size")


_COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "compare": (_add_compare_options, USAGE),
    "selftest": (
        _add_selftest_options,
        "Compare a row with itself, and with itself made 5% and 20% slower by a known delay. The exit code is 0\n"
        "when at most 1 of 20 verdicts claims a difference where there is none, 20% are always found and 5% mostly.",
    ),
    "losses": (
        _add_losses_options,
        "Print the loss terms of IMAGE by the oracle and each backend; the exit code is 0 when they agree, 1 when not.",
    ),
    "gallery": (_add_gallery_options, "Write gallery.png and each picture into the report's folder."),
    "doctor": (
        _add_doctor_options,
        "Compare every tensor of a backend, or of several, with the reference; 1 when something differs.",
    ),
    "export": (
        _add_export_options,
        "Write every tensor of the reference, by the float64 oracle, with a manifest, into a folder.",
    ),
    "check": (
        _add_check_options,
        "Compare a port's tensors with the reference: the first one that differs, those that inherit it, and why.\n"
        "The exit code is 0 when nothing differs but by rounding, 1 when something does, 2 when it cannot be compared.",
    ),
    "recipes": (lambda _: None, "Print the recipes."),
}
