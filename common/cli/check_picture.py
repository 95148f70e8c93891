"""`compare.py check --picture OUT CONTENT STYLE`: what can be said of somebody's finished picture."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from common import doctor
from common.backend import BACKENDS, Backend, load_backend
from common.cli.outputs import write_findings
from common.cli.requests import recipe_from
from common.entry import Entry
from common.errors import RosettaError
from common.framework_imports import quiet_stderr
from common.images import load_image, parse_size
from common.problem import Problem, check_size
from common.recipes import with_size
from common.terminal import ProgressBar, console
from common.vgg19 import load_weights

_OTHERS = ("theirs", "port", "against", "content", "style")  # options that say other pictures, or tensors
_EVALUATIONS = 60  # about: the short runs, and a repair or two


def run(options: argparse.Namespace) -> int:
    """0 when no mistake is found, 1 when one is, 2 for what is no picture."""
    if given := [name for name in _OTHERS if getattr(options, name) is not None]:
        raise RosettaError(f"--picture has its content and style behind it: leave out {_named(given)}")
    recipe = recipe_from(options)
    if options.size is not None:
        recipe = with_size(recipe, parse_size(options.size))
    picture, content, style = map(load_image, options.picture)
    check_size("picture", (picture.shape[0], picture.shape[1]), recipe.smallest_side_px)
    problem = Problem(content, style, recipe, load_weights(options.weights))
    entry, backend = _first_backend()
    with ProgressBar(_EVALUATIONS, f"{entry.label} {recipe.name}", "eval") as bar:
        tools = doctor.Tools(backend.Objective, doctor.saving_like(Path(options.picture[0])), bar.advance)
        examination = doctor.examine(picture, problem, tools)
    height, width = examination.size_px
    names = [Path(name).name for name in options.picture]
    title = (
        f"{names[0]} as {recipe.name} of {names[1]} and {names[2]}: losses at {height}x{width} px, {entry.label} in "
    )
    title += f"float32, weights {problem.weights.name}"
    doctor.print_examination(console(), title, examination)
    write_findings(
        options,
        lambda: [doctor.picture_json(title, examination)],
        lambda: doctor.picture_markdown(title, examination),
    )
    return 0 if examination.healthy else 1


def _first_backend() -> tuple[Entry, Backend]:
    """The first backend whose framework can be imported; raise RosettaError with the reason where there is none."""
    reasons = []
    for entry in BACKENDS.values():
        try:
            with quiet_stderr(entry.loggers):
                return entry, load_backend(entry.name)
        except RosettaError as error:
            reasons.append(str(error))
    raise RosettaError(reasons[0] if reasons else "there is no backend: install PyTorch or TensorFlow")


def _named(given: Sequence[str]) -> str:
    return ", ".join("the file of tensors" if name == "theirs" else f"--{name}" for name in given)
