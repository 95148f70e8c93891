"""`compare.py doctor`: the same examination between the project's own backends."""

import argparse

from common.backend import BACKENDS
from common.cli.check import Checked, case_from, check_files, finished
from common.comparison.workers import Job, Worker
from common.doctor import Case, diagnose, print_diagnosis
from common.errors import RosettaError
from common.problem import Precision
from common.tensors import Arrays
from common.terminal import console
from common.vgg19 import locate_weights


def doctor_command(options: argparse.Namespace) -> int:
    """Every tensor of a backend, or of several, against the reference; 1 when something differs."""
    names = options.backend or list(BACKENDS)
    for name in names:
        if name not in BACKENDS:
            raise RosettaError(f"there is no backend {name!r}: choose of {', '.join(BACKENDS)}")
    check_files(options)
    case = case_from(options)
    checked: list[Checked] = []
    for name in dict.fromkeys(names):
        tensors = backend_tensors(name, case, locate_weights(options.weights), options.precision)
        diagnosis = diagnose(case, tensors, options.precision)
        height, width = case.problem.content.shape[:2]
        title = f"{BACKENDS[name].label}, {options.precision}: {case.problem.recipe.name}, {height}x{width} px"
        print_diagnosis(console(), title, diagnosis, {})
        checked.append((title, diagnosis, {}))
    return finished(options, checked)


def backend_tensors(name: str, case: Case, weights: str, precision: Precision) -> Arrays:
    """Every tensor that a backend computes, in a process of its own."""
    problem = case.problem
    mode = BACKENDS[name].modes[0]
    job = Job(problem.recipe, weights, precision, "cpu", mode, 0, problem.content, problem.style, case.image)
    with Worker(name) as worker:
        return worker.ask("tensors", job).arrays
