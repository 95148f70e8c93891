"""The comparison itself: first the references, then each group of rows is prepared, measured and run to the end."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

from common.comparison.agreement import (
    Agreement,
    Plans,
    Reference,
    RowAgreement,
    check_by_oracle,
    check_by_own,
    interpreter_of,
    interpreters_of,
    prove,
    take_reference,
)
from common.comparison.measurement import Others
from common.comparison.plan import Plan
from common.comparison.progress import View
from common.comparison.rows import Group, Row
from common.comparison.session.rounds import evaluations_per_round, take_turns
from common.comparison.session.row_result import RowResult
from common.comparison.session.row_runner import Entrant
from common.doctor import RIGHT, Run, case_at
from common.errors import RosettaError
from common.probe import probe


@dataclass(frozen=True)
class Settings:
    """How the rows are measured: how many rounds, and how many threads each process may use."""

    rounds: int
    threads: int


class Session:
    """One comparison; `results` and `algorithm` hold what has been found out, also after an interrupt."""

    def __init__(self, rows: Sequence[Row], plans: Mapping[Group, Plan], settings: Settings, view: View) -> None:
        self.plans, self.settings, self._view = plans, settings, view
        self._entrants = {row.name: Entrant(row, plans[row.group], settings.threads, view) for row in rows}
        self._references: dict[tuple[str, str | None], Reference | RosettaError] = {}
        self.algorithm: tuple[Agreement, ...] = ()
        self.evaluations_per_round: dict[Group, int] = {}
        self.others_fraction = 0.0

    @property
    def results(self) -> tuple[RowResult, ...]:
        """What is known of every row."""
        return tuple(entrant.result for entrant in self._entrants.values())

    def run(self) -> None:
        """Do everything; an interrupt ends the workers and keeps the results."""
        self._view.expect(sum(entrant.expected(self.settings.rounds) for entrant in self._entrants.values()))
        self._take_references()
        for group in self.plans:
            entrants = [entrant for entrant in self._entrants.values() if entrant.row.group == group]
            with ExitStack() as closing:
                for entrant in entrants:
                    closing.callback(entrant.close)
                self._run_group(group, entrants)

    def _take_references(self) -> None:
        by_size: Plans = {group.size: plan for group, plan in self.plans.items()}
        names = interpreters_of(entrant.row for entrant in self._entrants.values())
        for interpreter, name in names.items():
            try:
                self._references[interpreter] = take_reference(interpreter, name, by_size, self._view)
            except RosettaError as error:
                self._references[interpreter] = error
        proven = [reference for reference in self._references.values() if isinstance(reference, Reference)]
        if proven:
            self.algorithm = prove(proven, by_size, self._view)
        for interpreter, reference in self._references.items():
            if isinstance(reference, Reference):
                self._references[interpreter] = replace(reference, tabled=())  # whole traces

    def _run_group(self, group: Group, entrants: Sequence[Entrant]) -> None:
        for entrant in entrants:
            entrant.attempt("importing", entrant.start)
            entrant.attempt("building, first evaluation", self._prepare, entrant)
        count = self.evaluations_per_round[group] = evaluations_per_round(entrants)
        others = Others(entrant.pid for entrant in entrants if entrant.pid is not None)
        take_turns(entrants, self.settings.rounds, count)
        self.others_fraction = max(self.others_fraction, others.fraction() or 0.0)
        for entrant in entrants:
            entrant.attempt("whole transfer", entrant.run)
            entrant.attempt("matrix products", entrant.find_limit)
            entrant.attempt("done", entrant.finish)

    def _prepare(self, entrant: Entrant) -> None:
        reference = self._references[interpreter_of(entrant.row)]
        if isinstance(reference, RosettaError):
            raise reference
        at_size, small, precision = entrant.prepare(), entrant.evaluate_small(), entrant.row.group.precision
        entrant.judge(
            RowAgreement(
                oracle=check_by_oracle(small, self._truth, precision),
                float64=check_by_own(at_size, reference.by_size[entrant.row.group.size], precision),
            )
        )

    @cached_property
    def _truth(self) -> Run:
        """The reference's evaluation of the small problem, which is the same for all rows."""
        problem = next(iter(self.plans.values())).within("float64").small_problem()
        return Run(case_at(problem, probe(problem)), RIGHT)
