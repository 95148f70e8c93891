"""What a picture says of how it was made: JSON in its metadata, by which it can be made again."""

import argparse
import json
from collections.abc import Mapping
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Any

from common.entry import Entry, installed_version
from common.problem import Problem
from common.recipes import Adam, Stage, recipe_to_json
from common.results import RunResult

_NOT_OF_THE_RESULT = ("output", "plot", "save_every")
_FILES = ("content", "style", "init", "weights")


def provenance(
    entry: Entry, options: argparse.Namespace, problem: Problem, result: RunResult, hashes: Mapping[str, str]
) -> str:
    """The options and what they amount to, the versions, the files by name and sha256, and the loss, as JSON.

    Folders are left out, since a picture is published and the paths of a machine are not.
    """
    given = {name: value for name, value in vars(options).items() if value is not None and value is not False}
    return json.dumps(
        {
            "software": f"style-rosetta {installed_version('style-rosetta')}",
            "program": f"python -m {entry.package}",
            "versions": entry.versions(),
            "options": {_option(it): _value(it, value) for it, value in given.items() if it not in _NOT_OF_THE_RESULT},
            "mode": entry.checked_mode(problem.mode),
            "recipe": recipe_to_json(problem.recipe),
            "files": dict(hashes),
            "weights": {"name": problem.weights.name, "sha256": problem.weights.sha256},
            "evaluations": evaluations_by_stage(problem, result),
            "loss": result.losses.total,
        }
    )


def file_hashes(*paths: str | PathLike[str]) -> dict[str, str]:
    """The sha256 of files by their names."""
    return {Path(path).name: sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def evaluations_by_stage(problem: Problem, result: RunResult) -> list[int]:
    """How many evaluations each stage took."""
    numbers = range(1, len(problem.recipe.stages) + 1)
    return [sum(step.stage == number for step in result.steps) for number in numbers]


def stages_in_words(problem: Problem, result: RunResult) -> str:
    """What was done, as `100 evaluations of L-BFGS memory 60 at 171x256, then 30 of L-BFGS memory 60 at 341x512`."""
    counts = evaluations_by_stage(problem, result)
    told = [
        f"of {_optimizer(stage)} at {'x'.join(map(str, problem.sizes_at(stage)[0]))}" for stage in problem.recipe.stages
    ]
    first, *rest = (f"{count} {how}" for count, how in zip(counts, told, strict=True))
    return ", then ".join([first.replace(" of", " evaluations of", 1), *rest])


def _optimizer(stage: Stage) -> str:
    optimizer = stage.optimizer
    return optimizer.label if isinstance(optimizer, Adam) else f"{optimizer.label} memory {optimizer.memory}"


def _option(name: str) -> str:
    return name.replace("_", "-")


def _value(name: str, value: Any) -> Any:
    return Path(value).name if name in _FILES else value
