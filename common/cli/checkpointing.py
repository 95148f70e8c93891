"""A transfer that can be interrupted: where it goes on, and what an early end leaves behind."""

import argparse
from typing import Any

from common.checkpoints import Checkpoints, RunFolder, State
from common.cli.outputs import checkpoint_of, partial_of
from common.cli.provenance import Files
from common.entry import Entry
from common.errors import DivergedError, RosettaError, StoppedError, say
from common.images import save_or_keep
from common.problem import Problem
from common.recipes import recipe_to_json


def checkpoints_for(
    output: str, options: argparse.Namespace, entry: Entry, problem: Problem, files: Files
) -> Checkpoints:
    """The checkpoints beside the output; raise RosettaError for a run there that nobody said what to do with."""
    identity = {
        "backend": entry.name,
        "recipe": _without_prose(recipe_to_json(problem.recipe)),
        "precision": problem.precision,
        "seed": options.seed,
        "weights": problem.weights.sha256,
        "pictures": {role: file["sha256"] for role, file in files.items()},
    }
    folder = RunFolder(checkpoint_of(output), identity)
    state = _state(folder, options.resume)
    if state is not None:
        _check_fits(state, problem, folder)
    return Checkpoints(folder, state, options.checkpoint_every)


def _without_prose(recipe: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recipe.items() if name not in ("source", "url", "deviations")}


def _check_fits(state: State, problem: Problem, folder: RunFolder) -> None:
    """Raise RosettaError unless the problem has the state's stage, of its size and with as many evaluations left."""
    every = problem.recipe.stages
    stages = every[state.stage - 1 : state.stage] if state.stage > 0 else ()
    if not any(state.best.shape[:2] == problem.sizes_at(it)[0] and 0 <= state.left < it.steps for it in stages):
        height, width = state.best.shape[:2]
        has = ", ".join("{}x{} and {}".format(*problem.sizes_at(stage)[0], stage.steps) for stage in every)
        raise RosettaError(
            f"the checkpoint {str(folder.path)!r} has {height}x{width} pixels and {state.left} evaluations left in "
            f"stage {state.stage}, and the recipe's stages are of {has}: start anew with --no-resume"
        )


def _state(folder: RunFolder, resume: bool | None) -> State | None:
    if folder.exists() and resume is None:
        raise RosettaError(
            f"{str(folder.path)!r} holds an interrupted run: go on with --resume, or start anew with --no-resume"
        )
    state = folder.read() if resume else None
    if resume and state is None:
        say(f"note: there is no checkpoint {str(folder.path)!r}: starts at the beginning")
    if state is None:
        folder.remove()
    return state


def ended_early(program: str, end: StoppedError | DivergedError, checkpoints: Checkpoints, output: str) -> int:
    """Save the best picture so far, and say how to go on; returns the exit code."""
    partial = partial_of(output)
    save_or_keep(partial, checkpoints.best())
    if isinstance(end, DivergedError):
        checkpoints.remove()  # which leads there again
        raise RosettaError(f"{end}; the best picture so far is {str(partial)!r}") from None
    saved = checkpoints.saved_evaluations
    how = f"the same command with --resume goes on after evaluation {saved}" if saved else "no checkpoint was saved"
    say(f"{program}: stopped; the best picture so far is {str(partial)!r}; {how}")
    return 128 + end.signal
