"""The float64 truth for each interpreter: its own evaluation at every size, itself proven by the oracle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.backend import BACKENDS
from common.comparison.agreement import Agreement, Evaluation, compare
from common.comparison.plan import Plan, probe
from common.comparison.processes import Worker
from common.comparison.rows import Row
from common.comparison.view import View
from common.problem import Problem

Interpreter = tuple[str, str | None]
Plans = Mapping[str, Plan]


@dataclass(frozen=True, eq=False)
class Reference:
    """What one interpreter's backend computes: in float64 by size, and what the full tables show."""

    name: str
    by_size: Mapping[str, Evaluation]
    tabled: tuple[Evaluation, ...]


def interpreter_of(row: Row) -> Interpreter:
    """The backend and the Python that a row shares its reference with."""
    return row.backend, row.python


def interpreters_of(rows: Iterable[Row]) -> dict[Interpreter, str]:
    """Every interpreter of the rows, with a name for the tables: its backend's, or that of the first row it has."""
    names: dict[Interpreter, str] = {}
    for row in rows:
        names.setdefault(interpreter_of(row), row.kind if row.backend in names.values() else row.backend)
    return names


def take_reference(interpreter: Interpreter, name: str, plans: Plans, view: View) -> Reference:
    """Have one interpreter evaluate everything; plans are by size. Raises RosettaError when it cannot."""
    (backend, python), plan = interpreter, next(iter(plans.values()))

    def evaluate(problem: Problem, traced: bool) -> Evaluation:
        outcome = worker.ask("evaluate", plan.job(backend, problem, probe(problem)), traced=traced)
        return Evaluation.of(outcome.values["losses"], outcome.arrays)

    with Worker(backend, python) as worker:
        view.say(f"reference: importing {BACKENDS[backend].label}")
        worker.imported()
        view.say(f"reference: {BACKENDS[backend].label} in float64")
        tabled = tuple(evaluate(problem, traced=True) for problem in _tabled_problems(plans))
        sizes = {size: it.within("float64").run_problem() for size, it in plans.items()}
        return Reference(name, {size: evaluate(problem, traced=False) for size, problem in sizes.items()}, tabled)


def prove(references: Iterable[Reference], plans: Plans, view: View) -> tuple[Agreement, ...]:
    """The full tables of all references against the oracle and each other."""
    tables, everyone = [], list(references)
    for number, problem in enumerate(_tabled_problems(plans)):
        view.say(f"reference: the oracle, {problem.precision}")
        tables.append(compare(problem, probe(problem), {it.name: it.tabled[number] for it in everyone}))
    return tuple(tables)


def _tabled_problems(plans: Plans) -> tuple[Problem, Problem]:
    # Small in float64 proves the algorithm; the first size in float32 shows the rounding, and what it flips.
    plan = next(iter(plans.values()))
    return plan.within("float64").small_problem(), plan.within("float32").run_problem()
