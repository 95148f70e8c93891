"""The float64 truth for each interpreter: its own evaluation at every size, itself proven by the oracle."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from common.backend import BACKENDS
from common.comparison.agreement.table import Agreement, compare
from common.comparison.plan import Row, Scene
from common.comparison.progress import Progress
from common.comparison.workers import Worker
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


def take_reference(
    interpreter: Interpreter, name: str, scene: Scene, sizes: Sequence[str], progress: Progress
) -> Reference:
    """Have one interpreter evaluate everything; raises RosettaError when it cannot."""
    backend, python = interpreter
    small, at_size = _tabled_problems(scene, sizes[0])

    def ask(action: str, problem: Problem) -> Arrays:
        return worker.ask(action, scene.job(problem, probe(problem))).arrays

    with Worker(backend, python) as worker:
        progress.say(f"importing {BACKENDS[backend].label}")
        worker.imported()
        progress.say(f"{BACKENDS[backend].label} in float64")
        tabled = (ask("tensors", small), ask("inspect", at_size))
        problems = {size: scene.problem_at("float64", size) for size in sizes}
        by_size = {size: ask("evaluate", problem) for size, problem in problems.items()}
        return Reference(name, by_size, tabled)


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
