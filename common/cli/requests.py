"""From the options of a command line to a recipe and a request."""

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from common.cli.options import CHANGES, OFF, tile_px
from common.comparison.devices import shared_device
from common.comparison.request import DEFAULT_RECIPE, DEFAULT_ROUNDS, MODES, NamedRow, Request
from common.entry import OptimizerChoice
from common.errors import RosettaError, say
from common.images import parse_size
from common.machine import lacks_gpu, usable_cores
from common.problem import PRECISIONS, Problem
from common.recipes import (
    LBFGS,
    Exactly,
    Recipe,
    Until,
    find_recipe,
    with_fast,
    with_optimizer,
    with_pyramid,
    with_size,
    with_steps,
    with_until,
)

_THOROUGH_ROUNDS, _THOROUGH_SIZES = 20, "64,128"
# Steps from noise until the picture can be recognised (docs/recipes.md): of L-BFGS, and of Adam more than 500.
ENOUGH_FROM_NOISE, _ENOUGH_OF_ADAM = 200, 501
_STRETCH = 0.05  # more than rounding to whole pixels
SOURCES_SIZE = "recipe"  # what `--size` says for the size of the recipe's source
_ROW = re.compile(r"(?P<name>[^=@]+)=(?P<backend>[^:@]+)(?::(?P<mode>[^@]+))?(?:@(?P<python>.+))?")


def recipe_from(options: argparse.Namespace, name: str | None = None) -> Recipe:
    """The recipe of a name, or of the options, with what these change but for `--optimizer`."""
    if name is None:
        name = DEFAULT_RECIPE if options.recipe is None else options.recipe
    recipe = find_recipe(name)
    if options.steps is not None:
        recipe = with_steps(recipe, options.steps)
    if (size := getattr(options, "size", None)) not in (None, SOURCES_SIZE):
        recipe = with_size(recipe, parse_size(size))
    changes = {field: getattr(options, field) for field in CHANGES if getattr(options, field) is not None}
    for taps in changes.keys() & {"content_taps", "style_taps"}:
        changes[taps] = _separated(changes[taps])
    if options.init is not None:
        changes["init"] = options.init if options.init in ("content", "noise") else "image"
    recipe = _in_other_stages(replace(recipe, **changes), options)
    if options.until is not None or options.until_loss is not None:
        recipe = with_until(recipe, Until(options.until_loss, options.until))
    _refuse_idle_options(recipe, options)
    return recipe


def _in_other_stages(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    if options.fast and options.pyramid is not None:
        raise RosettaError("--fast was measured at one size: leave out --pyramid, or --fast")
    if options.fast:
        return with_fast(recipe, keeps_start=options.init is not None)
    return recipe if options.pyramid is None else with_pyramid(recipe, options.pyramid)


def _refuse_idle_options(recipe: Recipe, options: argparse.Namespace) -> None:
    # A weight without a tap, and taps without a weight, would have no effect.
    if not (recipe.content_weight or recipe.style_weight or recipe.tv_weight):
        raise RosettaError("all weights are 0, and nothing is left to minimise: give one above 0")
    for part in ("content", "style"):
        taps, weight = getattr(recipe, f"{part}_taps"), getattr(recipe, f"{part}_weight")
        asked = getattr(options, f"{part}_weight")
        if asked and not taps:
            raise RosettaError(f"{recipe.name} has no {part} tap to weigh: name one with --{part}-taps")
        if getattr(options, f"{part}_taps") and not weight and asked is None:
            raise RosettaError(f"{recipe.name} gives its {part} loss the weight 0: set --{part}-weight too")
    if options.tv_weight and recipe.tv_form == "none":
        raise RosettaError(f"{recipe.name} has no total variation to weigh: leave out --tv-weight")


def note_noise(recipe: Recipe, options: argparse.Namespace) -> None:
    """Say on stderr that a run from noise is too short to show a picture, and what to do."""
    choice = options.optimizer if options.optimizer in ("adam", "lbfgs") else None
    optimizer = (recipe if choice is None else with_optimizer(recipe, choice)).stages[-1].optimizer
    by_lbfgs = isinstance(optimizer, LBFGS)
    if recipe.init != "noise" or recipe.steps >= (ENOUGH_FROM_NOISE if by_lbfgs else _ENOUGH_OF_ADAM):
        return
    few = f"{recipe.name} starts from noise, and {recipe.steps} steps of {optimizer.label} are too few to see a picture"
    enough = f"give {ENOUGH_FROM_NOISE} or more of L-BFGS{'' if by_lbfgs else ' (--optimizer lbfgs)'}"
    otherwise = "--init content" if options.init == "noise" else "--fast, which starts from the content"
    say(f"note: {few}: {enough}, or {otherwise}")


def note_stretch(problem: Problem) -> None:
    """Say on stderr that the recipe's size changes the proportions of the content, and which size keeps them."""
    size, (height, width) = problem.recipe.stages[-1].size, problem.content.shape[:2]
    if isinstance(size, Exactly) and abs(size.height_px * width / (size.width_px * height) - 1) > _STRETCH:
        longest = max(size.height_px, size.width_px)
        say(f"note: {size} stretches this {height}x{width} picture; --size {longest} keeps its proportions")


def optimizer_from(options: argparse.Namespace) -> OptimizerChoice:
    """The optimizer that is named, or that of a recipe that is named, or else each framework's customary one."""
    if options.fast and options.optimizer not in (None, "recipe"):
        raise RosettaError(f"--fast chooses the optimizer: leave out --optimizer {options.optimizer}, or --fast")
    if options.fast:
        return "recipe"
    choice: OptimizerChoice = options.optimizer or ("recipe" if options.recipe else "customary")
    return choice


def start_from(options: argparse.Namespace) -> str | None:
    """The picture to start from, when the options name one."""
    return None if options.init in ("content", "noise") else options.init


def request_from(options: argparse.Namespace, recipe: Recipe, **rest: Any) -> Request:
    """The request of a command with pictures, weights and a device."""
    values = {name: getattr(options, name) for name in ("content", "style", "weights", "seed")}
    device = "cpu" if options.device == "auto" else options.device
    if device.startswith(("gpu", "cuda")) and lacks_gpu():
        raise RosettaError(f"there is no device {device!r} on this machine: use cpu")
    request = Request(**values, device=device, init=start_from(options), recipe=recipe, **rest)
    if options.device != "auto":
        return request
    return replace(request, device=shared_device((row.backend, row.python) for row in request.rows))


def measured_request_from(options: argparse.Namespace) -> Request:
    """The request of a command that measures rows; raise RosettaError for rows that are not understood."""
    thorough = options.thorough
    modes = options.modes if options.modes is not None or not thorough else "all"
    return request_from(
        options,
        recipe_from(options),
        optimizer=optimizer_from(options),
        rounds=options.rounds or (_THOROUGH_ROUNDS if thorough else DEFAULT_ROUNDS),
        threads=options.threads or usable_cores(),
        backends=_named_backends(options.backends),
        modes=None if modes is None else names_from(modes, "", MODES),
        precisions=names_from(options.precisions, "all" if thorough else "float32", PRECISIONS),
        sizes=names_from(options.sizes, _THOROUGH_SIZES if thorough else options.default_size, ()),
        tiles_px=_tiles_px(options.tiles),
        interpreters=_interpreters(options.python),
        named_rows=tuple(map(_named_row, options.row)),
    )


def _named_backends(text: str | None) -> tuple[str, ...] | None:
    """The backends that were chosen by their names; None for all of them."""
    return None if text is None or text.strip() == "all" else names_from(text, "", ())


def _tiles_px(text: str | None) -> tuple[int | None, ...]:
    """Longest sides of tiles; None for `off`."""
    try:
        return tuple(dict.fromkeys(map(tile_px, names_from(text, OFF, ()))))
    except argparse.ArgumentTypeError as error:
        raise RosettaError(str(error)) from None


def names_from(text: str | None, default: str, every: Iterable[str]) -> tuple[str, ...]:
    """Names separated by commas, each once."""
    text = default if text is None else text
    names = tuple(dict.fromkeys(_separated(text)))
    if not names:
        raise RosettaError(f"{text!r} names nothing: separate names by commas")
    return tuple(every) if names == ("all",) and every else names


def _separated(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _named_row(text: str) -> NamedRow:
    parts = _ROW.fullmatch(text)
    if not parts:
        raise RosettaError(f"--row {text!r} is not NAME=BACKEND, NAME=BACKEND:MODE or NAME=BACKEND@/path/to/python")
    return NamedRow(**parts.groupdict())


def _interpreters(texts: Sequence[str]) -> dict[str, str]:
    interpreters: dict[str, str] = {}
    for text in texts:
        backend, _, python = text.partition("=")
        if not python:
            raise RosettaError(f"--python {text!r} is not BACKEND=/path/to/python")
        if backend in interpreters:
            row = text.replace("=", "@")
            raise RosettaError(f"--python names {backend} twice: add a row for the second by --row NAME={row}")
        interpreters[backend] = python
    return interpreters
