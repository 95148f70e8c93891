"""The command line of `compare.py`."""

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.padding import Padding

from common.backend import BACKENDS
from common.cli.check import check_command
from common.cli.compare import compare_command
from common.cli.doctor import doctor_command
from common.cli.export import export_command
from common.cli.gallery import gallery_command
from common.cli.losses import losses_command
from common.cli.options import (
    OneLineParser,
    add_arithmetic_options,
    add_loss_options,
    add_optimization_options,
    add_precision_option,
    add_size_option,
    add_start_option,
    add_weights_option,
    seed_from,
)
from common.cli.row_options import add_baseline_options, add_row_options, count_from
from common.cli.selftest import selftest_command
from common.comparison.reporting import recipe_table
from common.errors import exit_code
from common.recipes import RECIPES
from common.tensors import KINDS
from common.terminal import console

_SELFTEST_SIZE = "128"
_SIZE = "256"  # small enough for two cores, large enough to look at
Command = Callable[[argparse.Namespace], int]

USAGE = """\
compare.py [CONTENT STYLE]             agreement, timings and pictures, into report/
compare.py selftest                    does the instrument find a difference where there is one, and only there
compare.py losses CONTENT STYLE IMAGE  every loss term of a picture, by the oracle and each backend
compare.py gallery [CONTENT STYLE]     every recipe on every backend, as one picture
compare.py doctor [BACKEND ...]        every tensor of a backend, to the first that differs, and why
compare.py export DIR                  the reference's tensors, for a port that is written elsewhere
compare.py check THEIRS                a port's tensors: the first that differs, and why
compare.py recipes                     the recipes, with their sources and deviations"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `compare.py`; returns 0 when all agree, 1 when something differs, 2 for bad input."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments.pop(0) if arguments and arguments[0] in _COMMANDS else "compare"
    parser, command = _COMMANDS[name]
    options = parser.parse_args(arguments)
    return exit_code("compare.py", lambda: command(options))


def recipes_command(_: argparse.Namespace) -> int:
    """Print the recipes."""
    out = console()
    for recipe in RECIPES.values():
        out.print(f"[bold]{recipe.name}[/]: {recipe.source}", recipe.url or "", highlight=False)
        out.print(recipe_table(recipe))
        for deviation in recipe.deviations:
            out.print(Padding(f"- {deviation}", (0, 0, 0, 2)), highlight=False)
        out.print()
    return 0


def _parser(name: str, description: str, pictures: str | None) -> argparse.ArgumentParser:
    prog = "compare.py" if name == "compare" else f"compare.py {name}"
    formatter = argparse.RawDescriptionHelpFormatter
    parser = OneLineParser(prog=prog, description=description, formatter_class=formatter)
    for picture in ("content", "style"):
        parser.add_argument(picture, nargs=pictures, help=f"the {picture} picture")
    return parser


def _compare_parser() -> argparse.ArgumentParser:
    parser = _parser("compare", USAGE, "?")
    add_row_options(parser)
    add_loss_options(parser)
    add_optimization_options(parser)
    add_start_option(parser)
    add_arithmetic_options(parser)
    add_baseline_options(parser)
    parser.add_argument("--report", default="report", metavar="DIR", help="folder for the report (default: report)")
    parser.set_defaults(default_size=_SIZE, steps=100)
    return parser


def _selftest_parser() -> argparse.ArgumentParser:
    parser = _parser("selftest", selftest_command.__doc__ or "", "?")
    add_row_options(parser)
    add_loss_options(parser)
    add_arithmetic_options(parser)
    parser.add_argument(
        "--repeats", type=count_from, default=20, metavar="N", help="comparisons (default: %(default)s)"
    )
    parser.set_defaults(default_size=_SELFTEST_SIZE, backends="torch", optimizer=None)
    return parser


def _losses_parser() -> argparse.ArgumentParser:
    parser = _parser("losses", losses_command.__doc__ or "", pictures=None)
    parser.add_argument("image", help="the picture whose losses are wanted")
    add_loss_options(parser)
    add_size_option(parser)
    add_precision_option(parser)
    add_arithmetic_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(precision="float64")
    return parser


def _gallery_parser() -> argparse.ArgumentParser:
    parser = _parser("gallery", gallery_command.__doc__ or "", "?")
    parser.add_argument("--recipes", metavar="NAME,...", help="which recipes (default: all)")
    add_size_option(parser)
    add_optimization_options(parser)
    add_precision_option(parser)
    add_arithmetic_options(parser)
    parser.add_argument("--report", default="report", metavar="DIR", help="folder for the pictures (default: report)")
    parser.set_defaults(size=_SIZE, optimizer="recipe")
    return parser


def _check_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="compare.py check", description=check_command.__doc__)
    parser.add_argument("theirs", nargs="?", metavar="THEIRS", help=f"the port's tensors: {KINDS}")
    parser.add_argument("--port", metavar="MODULE:NAME", help="a port in Python, which is called instead")
    parser.add_argument("--seed", type=seed_from, default=0, metavar="N", help="of random pictures (default: 0)")
    parser.add_argument("--against", metavar="BUNDLE", help="what `compare.py export` wrote (default: the samples)")
    _add_case_options(parser)
    _add_file_options(parser)
    return parser


def _export_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="compare.py export", description=export_command.__doc__)
    parser.add_argument("folder", metavar="DIR", help="where to write tensors.safetensors and manifest.json")
    _add_case_options(parser)
    return parser


def _doctor_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(prog="compare.py doctor", description=doctor_command.__doc__)
    parser.add_argument("backend", nargs="*", help=f"of {', '.join(BACKENDS)} (default: all)")
    _add_case_options(parser)
    add_precision_option(parser)
    _add_file_options(parser)
    return parser


def _add_file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the table and the diagnosis as JSON")
    parser.add_argument("--markdown", metavar="FILE", help="the same as Markdown")


def _add_case_options(parser: argparse.ArgumentParser) -> None:
    """What is computed, and at which size: small by default, since every tensor is kept."""
    for role in ("content", "style"):
        parser.add_argument(f"--{role}", metavar="PICTURE", help=f"the {role} picture (default: the sample)")
    add_loss_options(parser)
    add_size_option(parser)
    add_weights_option(parser)


def _recipes_parser() -> argparse.ArgumentParser:
    return OneLineParser(prog="compare.py recipes", description=recipes_command.__doc__)


_COMMANDS: dict[str, tuple[argparse.ArgumentParser, Command]] = {
    "compare": (_compare_parser(), compare_command),
    "selftest": (_selftest_parser(), selftest_command),
    "losses": (_losses_parser(), losses_command),
    "gallery": (_gallery_parser(), gallery_command),
    "doctor": (_doctor_parser(), doctor_command),
    "export": (_export_parser(), export_command),
    "check": (_check_parser(), check_command),
    "recipes": (_recipes_parser(), recipes_command),
}
