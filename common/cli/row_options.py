"""The options that say which rows are measured and how, and what they are compared with."""

import argparse

from common.backend import BACKENDS
from common.problem import PRECISIONS


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make the rows, each list separated by commas."""
    parser.add_argument("--backends", metavar="B,...", help=f"from {', '.join(BACKENDS)} (default: all)")
    modes = "; ".join(f"{name}: {', '.join(entry.modes)}" for name, entry in BACKENDS.items())
    parser.add_argument("--modes", metavar="M,...", help=f"all, or from {modes} (default: the first of each)")
    precisions = ", ".join(PRECISIONS)
    parser.add_argument(
        "--precisions", "--precision", metavar="P,...", help=f"all, or from {precisions} (default: float32)"
    )
    parser.add_argument(
        "--sizes", "--size", metavar="S,...", help="longest sides (128,256), or height x width, in pixels"
    )
    parser.add_argument("--python", action="append", default=[], metavar="B=PYTHON", help="interpreter of a backend")
    parser.add_argument(
        "--row",
        action="append",
        default=[],
        metavar="NAME=B[:MODE][@PYTHON]",
        help="one more row, such as another version",
    )
    parser.add_argument("--thorough", action="store_true", help="all modes and precisions, two sizes, more rounds")
    parser.add_argument(
        "--rounds", type=count_from, metavar="N", help="rounds in which the rows take turns (default: 10)"
    )
    parser.add_argument("--threads", type=count_from, metavar="N", help="of every process (default: the cores)")


def add_baseline_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that save a baseline and compare with one."""
    parser.add_argument("--save-baseline", metavar="FILE", help="keep the timings for later runs")
    parser.add_argument("--baseline", metavar="FILE", help="compare with timings that were kept")
    parser.add_argument(
        "--fail-above", type=_percentage, default=0.05, metavar="P%", help="what counts as slower (default: 5%%)"
    )
    parser.add_argument("--baseline-anyway", action="store_true", help="even of another machine, recipe or size")


def count_from(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _percentage(text: str) -> float:
    number = text.removesuffix("%")
    if not number.replace(".", "", 1).isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage: write 5%")
    return float(number) / 100
