"""`compare.py check`: a port's tensors beside the reference's, the first that differs, and why."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import samples
from common.cli.plans import TAPS, WEIGHTS, recipe_from
from common.doctor import (
    Diagnosis,
    Recognised,
    diagnose,
    layers_of,
    load_port,
    print_diagnosis,
    read_bundle,
    recognise,
    tensors_of,
    to_json,
    to_markdown,
)
from common.errors import RosettaError
from common.images import check_folder, parse_size, write_text
from common.oracle import SMALL, Case, case_from_files, random_case
from common.tensors import Arrays, read_tensors, tensor_names
from common.terminal import console
from common.vgg19 import load_weights

_RANDOM_IMAGES = 2
Checked = tuple[str, Diagnosis, Mapping[str, str]]  # with a title, and the layouts that were recognised
_OF_THE_BUNDLE = ("recipe", "content", "style", "size", *WEIGHTS, *TAPS)


@dataclass(frozen=True)
class Files:
    """Where the diagnoses are written besides the terminal, if anywhere."""

    json: str | None
    markdown: str | None

    def check(self) -> None:
        """Raise RosettaError when they cannot be written, before anything is computed."""
        for name in filter(None, (self.json, self.markdown)):
            check_folder(name)

    def write(self, checked: Sequence[Checked]) -> int:
        """Write what was printed; the exit code: 0 when every examination is healthy, else 1."""
        if self.json:
            write_text(self.json, json.dumps([to_json(*each) for each in checked], indent=1))
        if self.markdown:
            write_text(self.markdown, "\n".join(to_markdown(*each) for each in checked))
        return 0 if all(diagnosis.healthy for _, diagnosis, _ in checked) else 1


def run(options: argparse.Namespace) -> int:
    """0 when nothing differs but by rounding, 1 when something does, 2 when nothing can be compared."""
    if (options.theirs is None) == (options.port is None):
        raise RosettaError("name either a file of tensors, or a port by --port package.module:name")
    files = Files(options.json, options.markdown)
    files.check()
    case = case_from(options)
    if options.theirs is not None:
        return files.write([check_tensors(Path(options.theirs), case)])
    return files.write(list(check_port(options.port, case, options.seed)))


def check_tensors(path: Path, case: Case) -> Checked:
    """Diagnose the tensors of a file or folder, and print the diagnosis."""
    return _shown(f"{path.name} against the reference", case, read_tensors(path))


def check_port(name: str, case: Case, seed: int) -> Iterator[Checked]:
    """Diagnose a port that is called: on the case, layer by layer, and on random pictures; print each diagnosis."""
    port = load_port(name)
    yield _shown(f"{name} against the reference", case, tensors_of(port, case))
    yield from _layers_alone(name, case, layers_of(port, case))
    for number in range(seed, seed + _RANDOM_IMAGES):
        drawn = random_case(number, case.problem.recipe, case.problem.weights)
        yield _shown(f"{name}, random pictures by seed {number}", drawn, tensors_of(port, drawn))


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


def case_from(options: argparse.Namespace) -> Case:
    """The case that the options describe: a bundle's, or two pictures at a size."""
    if getattr(options, "against", None) is not None:
        if given := [name for name in _OF_THE_BUNDLE if getattr(options, name) is not None]:
            raise RosettaError(f"--{given[0].replace('_', '-')} stands in the bundle: leave it out beside --against")
        return read_bundle(Path(options.against), options.weights)
    size = SMALL if options.size is None else parse_size(options.size)
    content = Path(options.content or samples.CONTENT.path)
    style = Path(options.style or samples.STYLE.path)
    return case_from_files(content, style, recipe_from(options), load_weights(options.weights), size)
