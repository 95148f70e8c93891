"""`compare.py doctor`: the same examination of the project's own backends."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace

from common.backend import BACKENDS, find_entry
from common.cli.check import Checked, Files, case_from
from common.comparison.workers import Job, Worker
from common.doctor import diagnose, print_diagnosis
from common.oracle import Case
from common.problem import Precision
from common.tensors import Arrays
from common.terminal import console
from common.vgg19 import locate_weights


def run(options: argparse.Namespace) -> int:
    """0 when every backend computes every tensor as the reference does, 1 when one does not."""
    names = dict.fromkeys(options.backend or BACKENDS)
    for name in names:
        find_entry(name)  # says so where there is none
    files = Files(options.json, options.markdown)
    files.check()
    case, weights = case_from(options), locate_weights(options.weights)
    return files.write(list(examine(names, case, weights, options.precision)))


def examine(names: Iterable[str], case: Case, weights_source: str, precision: Precision) -> Iterator[Checked]:
    """Diagnose every tensor of each backend, and print the diagnosis."""
    height, width = case.problem.content.shape[:2]
    for name in names:
        tensors = backend_tensors(name, case, weights_source, precision)
        diagnosis = diagnose(case, tensors, precision)
        title = f"{BACKENDS[name].label}, {precision}: {case.problem.recipe.name}, {height}x{width} px"
        print_diagnosis(console(), title, diagnosis, {})
        yield title, diagnosis, {}


def backend_tensors(name: str, case: Case, weights_source: str, precision: Precision) -> Arrays:
    """Every tensor that a backend computes on the CPU, in a process of its own."""
    problem = replace(case.problem, precision=precision, device="cpu")
    with Worker(name) as worker:
        return worker.ask("tensors", Job(problem=problem, weights_source=weights_source, image=case.image)).arrays
