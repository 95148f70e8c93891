"""`python -m common.comparison.workers.server BACKEND`: one backend answers requests in a process of its own.

A request is a JSON line on stdin, an event a JSON line on stdout; arrays travel in the job's folder, and what a
framework prints goes to stderr. The process ends when stdin does.
"""

import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from common.backend import Backend, find_entry, load_backend
from common.comparison.workers.job import LONGEST_TURN_S, NO_DELAY, Arrays, Delay, Job
from common.errors import RosettaError, type_and_line
from common.images import Image, save_image
from common.machine import peak_memory_bytes
from common.results import Step
from common.tensors import value_and_grad_tensors
from common.vgg19 import cut

Emit = Callable[[str, Any], None]
Values = dict[str, Any]
_WARM_UP_NS = 50_000_000


class Handlers:
    """Answers requests on one backend; between `prepare` and `measure` it keeps a problem's objective."""

    def __init__(self, backend: Backend, emit: Emit) -> None:
        self._backend, self._emit = backend, emit
        self._objective: Any = None
        self._variable: Any = None
        self._network: Any = None
        self._is_slow = False

    def do(self, action: str, folder: str | None = None, **numbers: Any) -> Values:
        """Do what a request asks for, with the job in a folder if it names one; arrays are written there."""
        if folder is None:
            return dict(getattr(self, f"_{action}")(**numbers))
        start_ns = time.perf_counter_ns()
        job = Job.read(Path(folder))
        weights_s = (time.perf_counter_ns() - start_ns) / 1e9
        if action != "prepare":  # which is timed with it
            self._backend.check_precisions(job.problem)
        values, arrays = getattr(self, f"_{action}")(job)
        np.savez(Path(folder) / "arrays.npz", allow_pickle=False, **arrays)
        return {"weights_s": weights_s, **values}

    def _evaluate(self, job: Job) -> tuple[Values, Arrays]:
        """Losses and gradient at the job's image, in the problem's mode, by the names of `tensors`."""
        return {}, value_and_grad_tensors(*self._backend.value_and_grad(job.point, job.problem))

    def _inspect(self, job: Job) -> tuple[Values, Arrays]:
        """One evaluation with the feature maps of every ReLU and every tap, which say what has been decided."""
        relus = [layer.name for layer in cut(job.problem.recipe.taps) if layer.kind == "relu"]
        return {}, self._backend.evaluation_tensors(job.point, job.problem, relus)

    def _tensors(self, job: Job) -> tuple[Values, Arrays]:
        """Every tensor that the port doctor examines."""
        return {}, self._backend.tensors(job.point, job.problem)

    def _losses(self, job: Job) -> tuple[Values, Arrays]:
        return {"losses": asdict(self._backend.loss_terms(job.point, job.problem))}, {}

    def _stylize(self, job: Job) -> tuple[Values, Arrays]:
        """A whole transfer, and how long its picture takes to be saved."""
        self._objective = self._variable = None  # the peak of memory is one network's

        def on_step(step: Step, _: Callable[[], Image]) -> None:
            self._emit("step", step.losses.by_kind())

        result = self._backend.stylize(job.problem, job.image, job.seed, on_step)
        with TemporaryDirectory() as folder:
            start_ns = time.perf_counter_ns()
            save_image(Path(folder) / "picture.png", result.image)
            saving_s = (time.perf_counter_ns() - start_ns) / 1e9
        return {"run": result.to_json(), "saving_s": saving_s}, {"image": result.image}

    def _prepare(self, job: Job) -> tuple[Values, Arrays]:
        """Build the objective at the job's image and evaluate it once, each timed; then it is ready to be measured."""
        problem, pixels = job.problem, job.problem.pixels(job.point)
        start_ns = time.perf_counter_ns()
        self._backend.check_arithmetic(problem.network)
        objective = self._backend.Objective(problem)
        variable = objective.variable(pixels)
        objective.wait()
        built_ns = time.perf_counter_ns()
        objective.terms_and_gradient(variable)
        objective.wait()
        first_ns = time.perf_counter_ns()
        self._objective, self._variable, self._network = objective, variable, problem.network
        self._is_slow = False
        terms, gradient = objective.evaluate(pixels)
        objective.forward_terms(variable)  # compiled here, where a mode compiles
        phases = {"build_s": (built_ns - start_ns) / 1e9, "first_evaluation_s": (first_ns - built_ns) / 1e9}
        environment = self._backend.environment(problem.network)
        return {"phases": phases, "environment": environment}, value_and_grad_tensors(terms, gradient)

    def _measure(self, evaluations: int, forwards: int, delay: Mapping[str, float]) -> Values:
        """Seconds of single evaluations and of single forward passes.

        What is done before them does not count: it brings caches and clocks back after others had the machine. Where
        one evaluation has turned out to last longer than a turn, it would change nothing and is left out.
        """
        objective, variable = self._objective, self._variable

        def evaluate() -> None:
            objective.terms_and_gradient(variable)

        if not self._is_slow:
            warm_up(evaluate, objective.wait)
        both_s = seconds_of(evaluate, objective.wait, evaluations, Delay(**delay))
        self._is_slow = max(both_s) > LONGEST_TURN_S
        forward_s = seconds_of(lambda: objective.forward_terms(variable), objective.wait, forwards)
        return {"evaluation_s": both_s, "forward_s": forward_s}

    def _ceiling(self, size: int, products: int) -> Values:
        """Seconds of products of two (size, size) matrices in the problem's arithmetic."""
        multiply = self._backend.matrix_product(size, self._network)
        multiply()
        return {"product_s": seconds_of(multiply, lambda: None, products)}

    def _device(self) -> Values:
        """The device that the backend takes by itself."""
        return {"device": self._backend.best_device()}

    def _memory(self) -> Values:
        """The peak of resident memory, and of the GPU's where the problem is on one."""
        gpu = self._backend.peak_memory(self._network)
        allocated, reserved = (None, None) if gpu is None else (gpu.allocated_bytes, gpu.reserved_bytes)
        return {"resident_bytes": peak_memory_bytes(), "gpu_allocated_bytes": allocated, "gpu_reserved_bytes": reserved}


def seconds_of(work: Callable[[], Any], wait: Callable[[], None], times: int, delay: Delay = NO_DELAY) -> list[float]:
    """How long each of `times` calls takes, until the device has done it, with the timed part of the delay.

    There are fewer, and at least one, when they take longer than a turn may.
    """
    durations_s: list[float] = []
    wait()
    while len(durations_s) < times and sum(durations_s) < LONGEST_TURN_S:
        start_ns = time.perf_counter_ns()
        work()
        wait()
        work_ns = time.perf_counter_ns() - start_ns
        _spin(delay.timed * work_ns)
        durations_s.append((time.perf_counter_ns() - start_ns) / 1e9)
        _spin(delay.untimed * work_ns)
    return durations_s


def warm_up(work: Callable[[], Any], wait: Callable[[], None]) -> None:
    """Do the work for a short while, and at least once."""
    end_ns = time.perf_counter_ns() + _WARM_UP_NS
    while True:
        work()
        wait()
        if time.perf_counter_ns() >= end_ns:
            return


def _spin(duration_ns: float) -> None:
    end_ns = time.perf_counter_ns() + duration_ns
    while duration_ns and time.perf_counter_ns() < end_ns:
        pass


def main(name: str) -> int:
    """Import a backend and answer requests until there are no more; returns 2 when it cannot be imported."""
    emit = _emitter()
    try:
        start_ns = time.perf_counter_ns()
        backend = load_backend(name)
        import_s = (time.perf_counter_ns() - start_ns) / 1e9
        versions = {**find_entry(name).versions(), "numpy": version("numpy"), "scipy": version("scipy")}
        emit("imported", {"import_s": import_s, "python": platform.python_version(), "versions": versions})
    except RosettaError as error:
        emit("error", str(error))
        return 2
    handlers = Handlers(backend, emit)
    for line in sys.stdin:
        _answer(handlers, line, emit)
    return 0


def _answer(handlers: Handlers, line: str, emit: Emit) -> None:
    # Whatever a framework raises (no compiler, out of memory) is an answer, and the process lives on.
    try:
        emit("result", handlers.do(**json.loads(line)))
    except RosettaError as error:
        emit("error", str(error))
    except Exception as error:
        traceback.print_exc()
        emit("error", type_and_line(error))


def _emitter() -> Emit:
    # Frameworks may print; keep the real stdout for events and send everything else to stderr.
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def emit(kind: str, value: Any) -> None:
        print(json.dumps({kind: value}), file=events, flush=True)

    return emit


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
