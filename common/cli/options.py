"""The command-line options that say what to compute, shared by both backends and `compare.py`."""

import argparse
import sys
from dataclasses import replace
from typing import Any, Literal, NoReturn

from common.errors import RosettaError
from common.images import Image, load_image, parse_size
from common.problem import DEVICE, PRECISIONS
from common.recipes import RECIPES, Recipe, find_recipe, with_optimizer, with_size, with_steps

DEFAULT_RECIPE = "d2l"
WEIGHTS = ("content_weight", "style_weight", "tv_weight")
TAPS = ("content_taps", "style_taps")


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
        "--optimizer", choices=("adam", "lbfgs", "recipe"), help="recipe: the recipe's own; default: see the README"
    )
    parser.add_argument("--seed", type=seed_from, default=0, help="of the noise, for recipes that start from it")


def add_start_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where the optimisation starts."""
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


def recipe_from(options: argparse.Namespace, default: Literal["adam", "lbfgs", "recipe"]) -> Recipe:
    """The recipe that the options describe, with a default for its optimiser; raise RosettaError if it cannot be."""
    recipe = find_recipe(options.recipe or DEFAULT_RECIPE)
    if options.size is not None:
        recipe = with_size(recipe, parse_size(options.size))
    if getattr(options, "steps", None) is not None:
        recipe = with_steps(recipe, options.steps)
    optimizer = getattr(options, "optimizer", None) or default
    if optimizer != "recipe":
        recipe = with_optimizer(recipe, optimizer)
    recipe = replace(recipe, **_changes(options))
    _refuse_idle_options(recipe, options)
    return recipe


def initial_image(options: argparse.Namespace) -> Image | None:
    """The picture to start from, when the options name one."""
    start = getattr(options, "init", None)
    return None if start in (None, "content", "noise") else load_image(start)


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    weights = {name: getattr(options, name, None) for name in WEIGHTS}
    changes: dict[str, Any] = {name: value for name, value in weights.items() if value is not None}
    for name in TAPS:
        if (text := getattr(options, name, None)) is not None:
            changes[name] = tuple(tap.strip() for tap in text.split(",") if tap.strip())
    if (start := getattr(options, "init", None)) is not None:
        changes["init"] = start if start in ("content", "noise") else "image"
    return changes


def _refuse_idle_options(recipe: Recipe, options: argparse.Namespace) -> None:
    # A weight without a tap, and taps without a weight, would have no effect.
    parts = (
        ("content", recipe.content_taps, recipe.content_weight),
        ("style", recipe.style_taps, recipe.style_weight),
    )
    for part, taps, weight in parts:
        if getattr(options, f"{part}_weight", None) and not taps:
            raise RosettaError(f"{recipe.name} has no {part} tap to weigh: name one with --{part}-taps")
        if getattr(options, f"{part}_taps", None) and not weight and getattr(options, f"{part}_weight", None) is None:
            raise RosettaError(f"{recipe.name} gives its {part} loss the weight 0: set --{part}-weight too")
    if getattr(options, "tv_weight", None) and recipe.tv_form == "none":
        raise RosettaError(f"{recipe.name} has no total variation to weigh: leave out --tv-weight")


def _device(text: str) -> str:
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a device: use cpu, gpu or gpu:1")
    return text


def seed_from(text: str) -> int:
    """A seed, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: use a whole number from 0 up")
    return int(text)
