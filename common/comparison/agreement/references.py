"""The float64 truth for each interpreter: its own evaluation at every size, itself proven by the oracle."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from common.backend import BACKENDS
from common.comparison.agreement.table import Agreement, compare
from common.comparison.plan import Row, Scene
from common.comparison.progress import Progress
from common.comparison.workers import Worker
from common.errors import RosettaError
from common.problem import Problem, probe
from common.tensors import Arrays

Interpreter = tuple[str, str | None]


@dataclass(frozen=True, eq=False)
class Reference:
    """What one interpreter's backend computes: in float64 by size, and what the full tables show."""

    name: str
    by_size: Mapping[str, Arrays]
    tabled: tuple[Arrays, ...]


def interpreter_of(row: Row) -> Interpreter:
    """The backend and the Python that a row shares its reference with."""
    return row.backend, row.python


def interpreters_of(rows: Iterable[Row]) -> dict[Interpreter, str]:
    """Every interpreter of the rows, with a name for the tables: its backend's, or that of the first row it has."""
    names: dict[Interpreter, str] = {}
    for row in rows:
        names.setdefault(interpreter_of(row), row.kind if row.backend in names.values() else row.backend)
    return names


def take_references(
    interpreters: Mapping[Interpreter, str], scene: Scene, sizes: Sequence[str], progress: Progress
) -> dict[Interpreter, Reference | RosettaError]:
    """Have every interpreter evaluate everything, or say why one cannot; nothing is timed, and all import at once."""
    workers: dict[Interpreter, Worker] = {}
    references: dict[Interpreter, Reference | RosettaError] = {}
    with ExitStack() as closing:
        for interpreter in interpreters:
            try:
                workers[interpreter] = closing.enter_context(Worker(*interpreter))
            except RosettaError as error:
                references[interpreter] = error
        for interpreter, worker in workers.items():
            label = BACKENDS[interpreter[0]].label
            try:
                progress.say(f"importing {label}")
                worker.imported()
                progress.say(f"{label} in float64")
                references[interpreter] = _reference(interpreters[interpreter], worker, scene, sizes)
            except RosettaError as error:
                references[interpreter] = error
            worker.close()
    return references


def _reference(name: str, worker: Worker, scene: Scene, sizes: Sequence[str]) -> Reference:
    def ask(action: str, problem: Problem) -> Arrays:
        return worker.ask(action, scene.job(problem, probe(problem))).arrays

    small, at_size = _tabled_problems(scene, sizes[0])
    tabled = (ask("tensors", small), ask("inspect", at_size))
    return Reference(name, {size: ask("evaluate", scene.problem_at("float64", size)) for size in sizes}, tabled)


def prove(references: Iterable[Reference], scene: Scene, size: str, progress: Progress) -> tuple[Agreement, ...]:
    """The full tables of all references against the oracle and each other, and what the port doctor finds."""
    tables, everyone = [], list(references)
    for number, problem in enumerate(_tabled_problems(scene, size)):
        progress.say(problem.precision)
        tensors = {it.name: it.tabled[number] for it in everyone}
        tables.append(compare(problem, probe(problem), tensors, explained=number == 0))
    return tuple(tables)


def _tabled_problems(scene: Scene, size: str) -> tuple[Problem, Problem]:
    # Small in float64 proves the algorithm; the first size in float32 shows the rounding, and what it flips.
    return scene.small_problem("float64"), scene.problem_at("float32", size)
