"""`compare.py check`: a port's tensors beside the reference's, the first that differs, and why."""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from common import samples
from common.cli.options import TAPS, WEIGHTS, recipe_from
from common.doctor import (
    SMALL,
    Case,
    Diagnosis,
    Recognised,
    case_from_files,
    diagnose,
    layers_of,
    load_port,
    print_diagnosis,
    random_case,
    read_bundle,
    recognise,
    tensors_of,
    to_json,
    to_markdown,
)
from common.errors import RosettaError
from common.images import check_folder, parse_size, write_text
from common.tensors import Arrays, read_tensors, tensor_names
from common.terminal import console
from common.vgg19 import load_weights

_RANDOM_IMAGES = 2
_OF_THE_BUNDLE = ("recipe", "content", "style", "size", *WEIGHTS, *TAPS)


def check_command(options: argparse.Namespace) -> int:
    """Compare a port's tensors with the reference: the first one that differs, those that inherit it, and why.

    0 when nothing differs but by rounding, 1 when something does, 2 when it cannot be compared.
    """
    if (options.theirs is None) == (options.port is None):
        raise RosettaError("name either a file of tensors, or a port by --port package.module:name")
    check_files(options)
    checked = list(_checked(options))
    return finished(options, checked)


Checked = tuple[str, Diagnosis, Mapping[str, str]]


def _checked(options: argparse.Namespace) -> Iterator[Checked]:
    case = case_from(options)
    if options.theirs is not None:
        yield _shown(f"{options.theirs} against the reference", case, read_tensors(Path(options.theirs)))
        return
    port = load_port(options.port)
    yield _shown(f"{options.port} against the reference", case, tensors_of(port, case))
    yield from _layers_alone(options.port, case, layers_of(port, case))
    for seed in range(options.seed, options.seed + _RANDOM_IMAGES):
        other = random_case(seed, case.problem.recipe, case.problem.weights)
        yield _shown(f"{options.port}, random pictures by seed {seed}", other, tensors_of(port, other))


def _layers_alone(name: str, case: Case, layers: Mapping[str, Arrays]) -> Iterator[Checked]:
    """Each layer that differs although it was given the reference's input."""
    for tensor, given in layers.items():
        recognised = recognise(case, given)
        diagnosis = diagnose(case, recognised.arrays, only=tensor)
        if not diagnosis.healthy:
            yield _printed(f"{name}, {tensor} given the reference's input", diagnosis, recognised)


def _shown(title: str, case: Case, given: Arrays) -> Checked:
    known = set(tensor_names(case.problem))
    usable = {name: array for name, array in given.items() if name in known}
    ignored = sorted(set(given) - known - {"image"})
    if not usable:
        raise RosettaError(
            f"none of the names is known ({', '.join(ignored[:3]) or 'there is none'}): "
            f"use names such as features/relu1_1, loss/total and gradient/pixels (docs/tensors.md lists all)"
        )
    recognised = recognise(case, usable)
    height, width = case.problem.content.shape[:2]
    where = f"{case.problem.recipe.name}, {height}x{width} px, weights {case.problem.weights.name}"
    checked = _printed(f"{title}: {where}", diagnose(case, recognised.arrays), recognised)
    if ignored:
        console().print(f"Not compared, for want of a reference of that name: {', '.join(ignored)}", highlight=False)
    return checked


def _printed(title: str, diagnosis: Diagnosis, recognised: Recognised) -> Checked:
    print_diagnosis(console(), title, diagnosis, recognised.layouts)
    return title, diagnosis, recognised.layouts


def check_files(options: argparse.Namespace) -> None:
    """Raise RosettaError when the files that are asked for cannot be written, before anything is computed."""
    for name in filter(None, (options.json, options.markdown)):
        check_folder(name)


def finished(options: argparse.Namespace, checked: list[Checked]) -> int:
    """Write what was printed as JSON and as Markdown, where it is asked for; the exit code."""
    if options.json:
        write_text(options.json, json.dumps([to_json(*one) for one in checked], indent=1))
    if options.markdown:
        write_text(options.markdown, "\n".join(to_markdown(*one) for one in checked))
    return 0 if all(diagnosis.healthy for _, diagnosis, _ in checked) else 1


def case_from(options: argparse.Namespace) -> Case:
    """The case that the options describe: a bundle's, or two pictures at a size."""
    if getattr(options, "against", None) is not None:
        if given := [name for name in _OF_THE_BUNDLE if getattr(options, name) is not None]:
            raise RosettaError(f"--{given[0].replace('_', '-')} stands in the bundle: leave it out beside --against")
        return read_bundle(Path(options.against), options.weights)
    size = SMALL if options.size is None else parse_size(options.size)
    recipe = recipe_from(argparse.Namespace(**{**vars(options), "size": None}), "recipe")
    content = Path(options.content or samples.CONTENT.path)
    style = Path(options.style or samples.STYLE.path)
    return case_from_files(content, style, recipe, load_weights(options.weights), size)
