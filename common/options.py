"""The command-line options that say what to compute, shared by both backends and `compare.py`."""

import argparse
import re
import sys
from dataclasses import replace
from typing import Any, Literal, NoReturn

from common.errors import RosettaError
from common.images import Image, load_image, parse_size
from common.spec.adjust import with_optimizer, with_size, with_steps
from common.spec.recipe import Recipe
from common.spec.recipes import RECIPES, find_recipe

DEFAULT_RECIPE = "d2l"


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message without the usage and leave."""
        print(f"{self.prog}: {message}; see --help", file=sys.stderr)
        raise SystemExit(2)


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a recipe and change it."""
    group = parser.add_argument_group("recipe")
    group.add_argument("--recipe", metavar="NAME", help=f"one of {', '.join(RECIPES)} (default: {DEFAULT_RECIPE})")
    group.add_argument("--size", metavar="SIZE", help="longest side (288), or height x width (192x288), in pixels")
    group.add_argument("--steps", type=int, metavar="N", help="evaluations of loss and gradient, over all stages")
    group.add_argument("--optimizer", choices=("adam", "lbfgs", "recipe"), help="recipe: its own")
    group.add_argument("--init", metavar="START", help="content, noise, or a picture to start from")
    group.add_argument("--content-weight", type=float, metavar="W", help="weight of the content loss")
    group.add_argument("--style-weight", type=float, metavar="W", help="weight of the style loss")
    group.add_argument("--tv-weight", type=float, metavar="W", help="weight of the total variation")
    group.add_argument("--content-taps", metavar="TAP,...", help="layers of the content loss, such as relu4_2")
    group.add_argument("--style-taps", metavar="TAP,...", help="layers of the style loss, such as relu1_1,relu2_1")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose weights and arithmetic."""
    group = parser.add_argument_group("run")
    group.add_argument(
        "--weights",
        metavar="W",
        help="keras (default), torchvision, random, or the path of a .h5 or .pth file",
    )
    group.add_argument("--precision", choices=("float32", "float64"), default="float32")
    group.add_argument("--device", type=_device, default="cpu", help="cpu (default), gpu or gpu:1")
    group.add_argument("--seed", type=_seed, default=0, help="of the noise, for recipes that start from it")


def recipe_from(options: argparse.Namespace, default: Literal["adam", "lbfgs", "recipe"]) -> Recipe:
    """The recipe that the options describe, with a default for its optimiser; raise RosettaError if it cannot be."""
    recipe = find_recipe(options.recipe or DEFAULT_RECIPE)
    optimizer = options.optimizer or default
    if options.size is not None:
        recipe = with_size(recipe, parse_size(options.size))
    if options.steps is not None:
        recipe = with_steps(recipe, options.steps)
    if optimizer != "recipe":
        recipe = with_optimizer(recipe, optimizer)
    return replace(recipe, **_changes(options, recipe))


def initial_image(options: argparse.Namespace) -> Image | None:
    """The picture to start from, when the options name one."""
    return None if options.init in (None, "content", "noise") else load_image(options.init)


def _changes(options: argparse.Namespace, recipe: Recipe) -> dict[str, Any]:
    named = {name: getattr(options, name) for name in ("content_weight", "style_weight", "tv_weight")}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    for name in ("content_taps", "style_taps"):
        if (text := getattr(options, name)) is not None:
            changes[name] = tuple(tap.strip() for tap in text.split(",") if tap.strip())
    if options.init is not None:
        changes["init"] = options.init if options.init in ("content", "noise") else "image"
    if changes.get("tv_weight") and recipe.tv_form == "none":
        raise RosettaError(f"{recipe.name} has no total variation to weigh: leave out --tv-weight")
    if changes.get("content_weight") and not changes.get("content_taps", recipe.content_taps):
        raise RosettaError(f"{recipe.name} has no content tap to weigh: name one with --content-taps")
    return changes


def _device(text: str) -> str:
    if not re.fullmatch(r"cpu|(gpu|cuda)(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a device: use cpu, gpu or gpu:1")
    return text


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: use a whole number from 0 up")
    return int(text)
