"""The float64 truth for each interpreter: its own evaluation at every size, itself proven by the oracle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from common.backend import BACKENDS
from common.comparison.agreement.table import Agreement, compare
from common.comparison.plan import Plan
from common.comparison.progress import Progress
from common.comparison.rows import Row
from common.comparison.workers import Worker
from common.probe import probe
from common.problem import Problem
from common.tensors import Arrays

Interpreter = tuple[str, str | None]
Plans = Mapping[str, Plan]


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


def take_reference(interpreter: Interpreter, name: str, plans: Plans, progress: Progress) -> Reference:
    """Have one interpreter evaluate everything; plans are by size. Raises RosettaError when it cannot."""
    (backend, python), plan = interpreter, next(iter(plans.values()))
    small, at_size = _tabled_problems(plans)

    def ask(action: str, problem: Problem) -> Arrays:
        # One recipe for all backends: their own ones differ in the optimiser, whose first steps are compared, too.
        job = replace(plan.job(backend, problem, probe(problem)), recipe=problem.recipe)
        return worker.ask(action, job).arrays

    with Worker(backend, python) as worker:
        progress.say(f"reference: importing {BACKENDS[backend].label}")
        worker.imported()
        progress.say(f"reference: {BACKENDS[backend].label} in float64")
        tabled = (ask("tensors", small), ask("inspect", at_size))
        sizes = {size: it.within("float64").run_problem() for size, it in plans.items()}
        return Reference(name, {size: ask("evaluate", it) for size, it in sizes.items()}, tabled)


def prove(references: Iterable[Reference], plans: Plans, progress: Progress) -> tuple[Agreement, ...]:
    """The full tables of all references against the oracle and each other, and what the port doctor finds."""
    tables, everyone = [], list(references)
    for number, problem in enumerate(_tabled_problems(plans)):
        progress.say(f"reference: the oracle, {problem.precision}")
        tensors = {it.name: it.tabled[number] for it in everyone}
        tables.append(compare(problem, probe(problem), tensors, explained=number == 0))
    return tuple(tables)


def _tabled_problems(plans: Plans) -> tuple[Problem, Problem]:
    # Small in float64 proves the algorithm; the first size in float32 shows the rounding, and what it flips.
    plan = next(iter(plans.values()))
    return plan.within("float64").small_problem(), plan.within("float32").run_problem()
