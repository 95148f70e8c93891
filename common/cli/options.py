"""The command-line options that say what to compute, shared by both backends and `compare.py`."""

import argparse
import sys
from typing import NoReturn

from common.backend import BACKENDS
from common.comparison import DEFAULT_RECIPE
from common.problem import DEVICE, PRECISIONS
from common.recipes import RECIPES


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message without the usage and leave."""
        print(f"{self.prog}: {message}; see --help", file=sys.stderr)
        raise SystemExit(2)


def add_all_options(parser: argparse.ArgumentParser) -> None:
    """Add every option of a transfer."""
    add_loss_options(parser)
    add_size_option(parser)
    add_optimization_options(parser)
    add_start_option(parser)
    add_precision_option(parser)
    add_arithmetic_options(parser)


def add_loss_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a recipe and change its loss."""
    parser.add_argument("--recipe", metavar="NAME", help=f"one of {', '.join(RECIPES)} (default: {DEFAULT_RECIPE})")
    parser.add_argument("--content-weight", type=float, metavar="W", help="weight of the content loss")
    parser.add_argument("--style-weight", type=float, metavar="W", help="weight of the style loss")
    parser.add_argument("--tv-weight", type=float, metavar="W", help="weight of the total variation")
    parser.add_argument("--content-taps", metavar="TAP,...", help="layers of the content loss, such as relu4_2")
    parser.add_argument("--style-taps", metavar="TAP,...", help="layers of the style loss, such as relu1_1,relu2_1")


def add_size_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that resizes the pictures."""
    parser.add_argument("--size", metavar="SIZE", help="longest side (288), or height x width (192x288), in pixels")


def add_optimization_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the loss is minimised."""
    parser.add_argument("--steps", type=int, metavar="N", help="evaluations of loss and gradient, over all stages")
    parser.add_argument(
        "--optimizer",
        choices=("adam", "lbfgs", "recipe"),
        help="recipe: the recipe's own (default with --recipe; without, each framework's customary one: "
        + ", ".join(f"{entry.label} {entry.optimizer}" for entry in BACKENDS.values())
        + ")",
    )
    parser.add_argument("--seed", type=seed_from, default=0, help="of the noise, for recipes that start from it")


def add_start_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where the optimization starts."""
    parser.add_argument("--init", metavar="START", help="content, noise, or a picture to start from")


def add_precision_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses the precision."""
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="default: %(default)s")


def add_arithmetic_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose the weights and the device."""
    add_weights_option(parser)
    parser.add_argument("--device", type=_device, default="cpu", help="cpu (default), gpu or gpu:1")


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses the weights."""
    parser.add_argument(
        "--weights",
        metavar="W",
        help="keras (default), torchvision, random, random:SEED, or the path of a .h5 or .pth file",
    )


def _device(text: str) -> str:
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a device: use cpu, gpu or gpu:1")
    return text


def seed_from(text: str) -> int:
    """A seed, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: use a whole number from 0 up")
    return int(text)


def count_from(text: str) -> int:
    """A whole number from 1 up, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def percentage_from(text: str) -> float:
    """A percentage as a fraction, for argparse."""
    number = text.removesuffix("%")
    if not number.replace(".", "", 1).isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage: write 5%")
    return float(number) / 100
