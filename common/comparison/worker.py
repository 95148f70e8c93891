"""`python -m common.comparison.worker FOLDER ...`: one backend does jobs in a process of its own.

Events are JSON lines on stdout, arrays go into FOLDER/arrays.npz; what a framework prints goes to stderr.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from common.backend import Backend, load_backend
from common.comparison.jobs import Arrays, Job
from common.comparison.memory import peak_memory_bytes
from common.errors import RosettaError
from common.images import Image
from common.problem import Problem
from common.results import Step
from common.spec.vgg19 import cut

Emit = Callable[[str, Any], None]


def main(folders: list[Path]) -> int:
    """Do the jobs in the folders, which are of one backend; returns 0, or 2 after an `error` event."""
    emit = _emitter()
    try:
        jobs = [Job.read(folder) for folder in folders]
        start_s = time.perf_counter()
        backend = load_backend(jobs[0].backend)
        import_s = time.perf_counter() - start_s
        emit("imported", import_s)
        for job, folder in zip(jobs, folders, strict=True):
            emit("result", _do(job, folder, backend, import_s, emit))
    except RosettaError as error:
        emit("error", str(error))
        return 2
    return 0


def _do(job: Job, folder: Path, backend: Backend, import_s: float, emit: Emit) -> dict[str, Any]:
    start_s = time.perf_counter()
    problem = job.problem()
    weights_s = time.perf_counter() - start_s
    result, arrays = _ACTIONS[job.action](backend, job, problem, emit)
    np.savez(folder / "arrays.npz", allow_pickle=False, **arrays)
    process = {"import_s": import_s, "weights_s": weights_s, "peak_memory_bytes": peak_memory_bytes()}
    return {**result, "process": process, "versions": backend.versions()}


def _emitter() -> Emit:
    # Frameworks may print; keep the real stdout for events and send everything else to stderr.
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def emit(kind: str, value: Any) -> None:
        print(json.dumps({kind: value}), file=events, flush=True)

    return emit


def _evaluate(backend: Backend, job: Job, problem: Problem, _: Emit) -> tuple[dict[str, Any], Arrays]:
    image = _image(job)
    names = [layer.name for layer in cut(job.recipe.taps) if layer.kind == "relu"]
    trace = backend.trace(image, [*names, *(tap for tap in job.recipe.taps if tap not in names)], problem)
    terms, gradient = backend.value_and_grad(image, problem)
    return {"losses": asdict(terms)}, {**trace, "gradient": gradient}


def _losses(backend: Backend, job: Job, problem: Problem, _: Emit) -> tuple[dict[str, Any], Arrays]:
    return {"losses": asdict(backend.losses(_image(job), problem))}, {}


def _stylize(backend: Backend, job: Job, problem: Problem, emit: Emit) -> tuple[dict[str, Any], Arrays]:
    def on_step(step: Step, _: Callable[[], Image]) -> None:
        emit("step", step.losses.by_kind())

    result = backend.stylize(problem, job.image, job.seed, on_step)
    return {"run": result.to_json()}, {"image": result.image}


def _image(job: Job) -> Image:
    if job.image is None:
        raise RosettaError(f"the job {job.action} needs an image to look at")
    return job.image


_ACTIONS = {"evaluate": _evaluate, "losses": _losses, "stylize": _stylize}

if __name__ == "__main__":
    raise SystemExit(main([Path(name) for name in sys.argv[1:]]))
