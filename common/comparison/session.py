"""The comparison itself: agreement first, then the timed runs, one backend at a time."""

from collections.abc import Callable
from typing import Any

from common.backend import BACKENDS
from common.comparison.agreement import Agreement, Evaluation, compare
from common.comparison.plan import Plan, probe
from common.comparison.processes import Outcome, run_jobs
from common.comparison.report import Report
from common.comparison.timing import summarise
from common.progress import advance, progress_bar
from common.results import RunResult


def check_agreement(plan: Plan) -> tuple[Agreement, ...]:
    """Compare all backends with the oracle and each other, in float64 at a small size and as the run will be."""
    problems = (plan.small_problem(), plan.run_problem())
    with progress_bar(len(problems) * (len(BACKENDS) + 1), "agreement", "check") as bar:
        outcomes: dict[str, list[Outcome]] = {}
        for name, entry in BACKENDS.items():
            bar.set_description(f"agreement: {entry.label}")
            jobs = [plan.job(name, "evaluate", problem, probe(problem)) for problem in problems]
            outcomes[name] = run_jobs(jobs, lambda kind, _: bar.update(kind == "result"))
        bar.set_description("agreement: oracle")
        tables = []
        for number, problem in enumerate(problems):
            evaluations = {name: _evaluation(of_backend[number]) for name, of_backend in outcomes.items()}
            tables.append(compare(problem, probe(problem), evaluations))
            bar.update()
    return tuple(tables)


def _evaluation(outcome: Outcome) -> Evaluation:
    return Evaluation.of(outcome.values["losses"], outcome.arrays)


def run_backends(plan: Plan, agreements: tuple[Agreement, ...]) -> Report:
    """Run the whole transfer on every backend, one after the other, and gather the report."""
    outcomes = {name: _stylize(plan, name) for name in BACKENDS}
    runs = {
        name: RunResult.from_json(outcome.values["run"], outcome.arrays["image"]) for name, outcome in outcomes.items()
    }
    return Report(
        plan,
        agreements,
        runs,
        {name: summarise(run, outcomes[name].values["process"]) for name, run in runs.items()},
        {name: outcome.values["versions"] for name, outcome in outcomes.items()},
    )


def _stylize(plan: Plan, name: str) -> Outcome:
    label = BACKENDS[name].label
    with progress_bar(plan.recipes[name].steps, f"importing {label}", "eval") as bar:
        (outcome,) = run_jobs([plan.job(name, "stylize", plan.problem(), plan.init)], _show_steps(bar, label))
    return outcome


def _show_steps(bar: Any, label: str) -> Callable[[str, Any], None]:
    def show(kind: str, value: Any) -> None:
        if kind == "imported":
            bar.set_description(label)
        if kind == "step":
            advance(bar, value)

    return show
