"""What a worker does: single evaluations, whole transfers, and measuring a few evaluations at a time."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from common.backend import Backend
from common.comparison.workers.clock import LONGEST_TURN_S, Delay, seconds_of, warm_up
from common.comparison.workers.job import Arrays, Job
from common.errors import RosettaError
from common.images import Image, save_image
from common.machine import peak_memory_bytes
from common.problem import Problem
from common.results import Step
from common.tensors import value_and_grad_tensors
from common.vgg19 import cut

Emit = Callable[[str, Any], None]
Values = dict[str, Any]


class Handlers:
    """Answers requests on one backend; between `prepare` and `measure` it keeps a problem's objective."""

    def __init__(self, backend: Backend, emit: Emit) -> None:
        self._backend, self._emit = backend, emit
        self._objective: Any = None
        self._variable: Any = None
        self._is_slow = False

    def do(self, action: str, folder: str | None = None, **numbers: Any) -> Values:
        """Do what a request asks for, with the job in a folder if it names one; arrays are written there."""
        if folder is None:
            return dict(getattr(self, f"_{action}")(**numbers))
        start_ns = time.perf_counter_ns()
        job = Job.read(Path(folder))
        problem = job.problem
        weights_s = (time.perf_counter_ns() - start_ns) / 1e9
        values, arrays = getattr(self, f"_{action}")(job, problem, **numbers)
        np.savez(Path(folder) / "arrays.npz", allow_pickle=False, **arrays)
        return {"weights_s": weights_s, **values}

    def _evaluate(self, job: Job, problem: Problem) -> tuple[Values, Arrays]:
        """Losses and gradient at the job's image, in the problem's mode, by the names of `tensors`."""
        self._backend.check_arithmetic(problem.network)
        return {}, value_and_grad_tensors(*self._backend.value_and_grad(_image(job), problem))

    def _inspect(self, job: Job, problem: Problem) -> tuple[Values, Arrays]:
        """One evaluation with the feature maps of every ReLU and every tap, which say what has been decided."""
        self._backend.check_arithmetic(problem.network)
        relus = [layer.name for layer in cut(problem.recipe.taps) if layer.kind == "relu"]
        return {}, self._backend.evaluation_tensors(_image(job), problem, relus)

    def _tensors(self, job: Job, problem: Problem) -> tuple[Values, Arrays]:
        """Every tensor that the port doctor examines."""
        self._backend.check_arithmetic(problem.network)
        return {}, self._backend.tensors(_image(job), problem)

    def _losses(self, job: Job, problem: Problem) -> tuple[Values, Arrays]:
        self._backend.check_arithmetic(problem.network)
        return {"losses": asdict(self._backend.loss_terms(_image(job), problem))}, {}

    def _stylize(self, job: Job, problem: Problem) -> tuple[Values, Arrays]:
        """A whole transfer, and how long its picture takes to be saved."""
        self._backend.check_arithmetic(problem.network)
        self._objective = self._variable = None  # the peak of memory is one network's

        def on_step(step: Step, _: Callable[[], Image]) -> None:
            self._emit("step", step.losses.by_kind())

        result = self._backend.stylize(problem, job.image, job.seed, on_step)
        with TemporaryDirectory() as folder:
            start_ns = time.perf_counter_ns()
            save_image(Path(folder) / "picture.png", result.image)
            saving_s = (time.perf_counter_ns() - start_ns) / 1e9
        return {"run": result.to_json(), "saving_s": saving_s}, {"image": result.image}

    def _prepare(self, job: Job, problem: Problem) -> tuple[Values, Arrays]:
        """Build the objective at the job's image and evaluate it once, each timed; then it is ready to be measured."""
        pixels = problem.pixels(_image(job))
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

    def _memory(self) -> Values:
        """The peak of resident memory, and of the GPU's where the problem is on one."""
        gpu = self._backend.peak_memory(self._network)
        return {"resident_bytes": peak_memory_bytes(), "gpu": None if gpu is None else asdict(gpu)}


def _image(job: Job) -> Image:
    if job.image is None:
        raise RosettaError("the job needs an image to look at")
    return job.image
