"""What a picture says of how it was made: JSON in its metadata, by which it can be made again."""

import argparse
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from common.entry import Entry, installed_version
from common.images import description_of
from common.problem import Problem
from common.recipes import Adam, Stage, recipe_to_json
from common.results import RunResult
from common.vgg19 import sha256_of
from common.writing import PathLike

_WITHOUT_EFFECT_ON_THE_PICTURE = ("output", "plot", "save_every", "resume", "checkpoint_every")
_PICTURES = ("content", "style")
_FILES = (*_PICTURES, "init", "weights")
_STARTS = {"content": "the content", "noise": "noise", "image": "a picture"}


Files = dict[str, dict[str, str]]  # the name and the sha256 of each picture, by its role


def provenance(
    entry: Entry,
    options: argparse.Namespace,
    problem: Problem,
    result: RunResult,
    files: Files,
) -> str:
    """The options and what they amount to, the versions, the files that were read, and the loss, as JSON.

    Folders are left out, since a picture is published and the paths of a machine are not.
    """
    return json.dumps(
        {
            "software": f"style-rosetta {installed_version('style-rosetta')}",
            "program": _program(entry),
            "versions": entry.versions(),
            "options": _options_told(options),
            "device": problem.device,
            "mode": entry.checked_mode(problem.mode),
            "tile_px": problem.tile_px,
            "recipe": recipe_to_json(problem.recipe),
            "files": files,
            "weights": {"name": problem.weights.name, "sha256": problem.weights.sha256},
            "evaluations": evaluations_by_stage(problem, result),
            "loss": result.losses.total,
        }
    )


def is_made_by(
    path: Path, entry: Entry, options: argparse.Namespace, defaults: argparse.Namespace, files: Files
) -> bool:
    """Whether a file is the picture that a backend's command line makes by these options of these files.

    Options that a picture does not tell had their defaults, as those that came later. Weights in a file are told by
    their sha256.
    """
    usual, expected, told = _options_told(defaults), json.loads(json.dumps(_options_told(options))), _told(path)
    with suppress(TypeError, KeyError, OSError):
        weights = options.weights is None or not Path(options.weights).is_file()
        same = [
            told["program"] == _program(entry),
            {**usual, **told["options"]} == {**usual, **expected},
            told["files"] == files,
            weights or told["weights"]["sha256"] == sha256_of(options.weights),
        ]
        return all(same)
    return False


def result_in_words(path: Path) -> str:
    """The loss of a picture that a command line made, and the evaluations; empty for a format without metadata."""
    told = _told(path)
    with suppress(TypeError, KeyError, ValueError):
        return f"loss {told['loss']:.6g} after {sum(told['evaluations'])} evaluations"
    return ""


def is_result_of(path: Path, entry: Entry, files: Files) -> bool:
    """Whether a file is a picture that a backend's command line made of this content and style, by whatever options."""
    told = _told(path)
    with suppress(TypeError, KeyError):
        same = [told["program"] == _program(entry), *(told["files"][role] == files[role] for role in _PICTURES)]
        return all(same)
    return False


def _told(path: Path) -> dict[str, Any]:
    """What a picture says of how it was made; nothing where there is no such picture."""
    with suppress(ValueError, RecursionError):
        told = json.loads(description_of(path) or "")
        if isinstance(told, dict):
            return told
    return {}


def _options_told(options: argparse.Namespace) -> dict[str, Any]:
    return {
        name.replace("_", "-"): _as_given(name, value)
        for name, value in vars(options).items()
        if value is not None and value is not False and name not in _WITHOUT_EFFECT_ON_THE_PICTURE
    }


def _program(entry: Entry) -> str:
    return f"python -m {entry.package}"


def files_read(**paths: PathLike | None) -> Files:
    """The name and the sha256 of each picture, by its role; what is None was not read."""
    there = {role: Path(path) for role, path in paths.items() if path is not None}
    return {role: {"name": path.name, "sha256": sha256_of(path)} for role, path in there.items()}


def evaluations_by_stage(problem: Problem, result: RunResult) -> list[int]:
    """How many evaluations each stage took."""
    numbers = range(1, len(problem.recipe.stages) + 1)
    return [sum(step.stage == number for step in result.steps) for number in numbers]


def stages_in_words(problem: Problem, result: RunResult) -> str:
    """What was done, as `from noise: 68 evaluations of L-BFGS memory 30 at 171x256, then 40 of Adam at 341x512`."""
    counted = zip(evaluations_by_stage(problem, result), problem.recipe.stages, strict=True)
    (first, stage), *rest = counted
    parts = [
        f"{first} evaluations of {_stage(problem, stage)}",
        *(f"{count} of {_stage(problem, it)}" for count, it in rest),
    ]
    return f"from {_STARTS[problem.recipe.init]}: {', then '.join(parts)}"


def _stage(problem: Problem, stage: Stage) -> str:
    optimizer, (height, width) = stage.optimizer, problem.sizes_at(stage)[0]
    memory = "" if isinstance(optimizer, Adam) else f" memory {optimizer.memory}"
    rough = f", {stage.bfloat16_steps} of them in bfloat16" if stage.bfloat16_steps else ""
    return f"{optimizer.label}{memory} at {height}x{width}{rough}"


def _as_given(name: str, value: Any) -> Any:
    """A value as the command line takes it, without folders."""
    if name in _FILES:
        return Path(value).name
    return f"{100 * value:g}%" if name == "until" else value
