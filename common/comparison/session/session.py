"""The comparison itself: first the references, then each group of rows is prepared, measured and run to the end."""

import math
import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property

from common.comparison.agreement import (
    Agreement,
    Interpreter,
    Reference,
    RowAgreement,
    check_by_oracle,
    check_by_own,
    interpreter_of,
    interpreters_of,
    prove,
    take_references,
)
from common.comparison.measurement import Others
from common.comparison.plan import Group, Request, Scene
from common.comparison.progress import Progress
from common.comparison.session.row_result import RowResult
from common.comparison.session.row_runner import RowRunner
from common.errors import RosettaError
from common.oracle import RIGHT, Run, case_at
from common.problem import Precision, probe

_ROUND_S = 0.4
_FEWEST, _MOST = 3, 50


class Session:
    """One comparison; `results` and `algorithm` hold what has been found out, also after an interrupt."""

    def __init__(self, request: Request) -> None:
        self.request, self.scene = request, Scene.of(request)
        self.scene.check_sizes(request.sizes)
        self._progress = Progress()
        self._runners = {row.name: RowRunner(row, self.scene, request.threads, self._progress) for row in request.rows}
        self._references: dict[Interpreter, Reference | RosettaError] = {}
        self._products_flops_per_s: dict[tuple[Interpreter, Precision], float] = {}
        self.algorithm: tuple[Agreement, ...] = ()
        self.evaluations_per_round: dict[Group, int] = {}
        self.others_fraction = 0.0

    @property
    def results(self) -> tuple[RowResult, ...]:
        """What is known of every row."""
        return tuple(runner.result for runner in self._runners.values())

    def run(self) -> None:
        """Do everything; an interrupt ends the workers and keeps the results."""
        with self._progress:
            self._take_references()
            for group in self.request.groups:
                runners = [runner for runner in self._runners.values() if runner.row.group == group]
                with ExitStack() as closing:
                    for runner in runners:
                        closing.callback(runner.close)
                    self._run_group(group, runners)

    def _take_references(self) -> None:
        sizes = self.request.sizes
        self._progress.stage("references")
        interpreters = interpreters_of(self.request.rows)
        self._references = take_references(interpreters, self.scene, sizes, self._progress)
        proven = [reference for reference in self._references.values() if isinstance(reference, Reference)]
        if proven:
            self._progress.stage("oracle")
            self.algorithm = prove(proven, self.scene, sizes[0], self._progress)
        for interpreter, reference in self._references.items():
            if isinstance(reference, Reference):
                self._references[interpreter] = replace(reference, tabled=())  # whole traces

    def _run_group(self, group: Group, runners: Sequence[RowRunner]) -> None:
        name, rounds = f"{group.precision} {group.size}", self.request.rounds
        self._progress.stage(f"{name}: preparing")
        for runner in runners:
            runner.attempt("importing", runner.start)
            runner.attempt("building, first evaluation", self._prepare, runner)
        count = self.evaluations_per_round[group] = evaluations_per_round(runners)
        others = Others(runner.pid for runner in runners if runner.pid is not None)
        self._progress.stage(f"{name}: measuring", rounds * len(runners))
        take_turns(runners, rounds, count)
        self.others_fraction = max(self.others_fraction, others.fraction() or 0.0)
        self._progress.stage(f"{name}: transfers", sum(runner.steps for runner in runners))
        for runner in runners:
            runner.attempt("whole transfer", runner.run)
            runner.attempt("matrix products", self._find_limit, runner)
            runner.attempt("done", runner.finish)

    def _prepare(self, runner: RowRunner) -> None:
        reference = self._references[interpreter_of(runner.row)]
        if isinstance(reference, RosettaError):
            raise reference
        at_size, small, precision = runner.prepare(), runner.evaluate_small(), runner.row.group.precision
        runner.judge(
            RowAgreement(
                oracle=check_by_oracle(small, self._truth, precision),
                float64=check_by_own(at_size, reference.by_size[runner.row.group.size], precision),
            )
        )

    def _find_limit(self, runner: RowRunner) -> None:
        key = interpreter_of(runner.row), runner.row.group.precision
        if key not in self._products_flops_per_s:
            self._products_flops_per_s[key] = runner.products_flops_per_s()
        runner.note_limit(self._products_flops_per_s[key])

    @cached_property
    def _truth(self) -> Run:
        """The reference's evaluation of the small problem, which is the same for all rows."""
        problem = self.scene.small_problem("float64")
        return Run(case_at(problem, probe(problem)), RIGHT)


def evaluations_per_round(runners: Sequence[RowRunner]) -> int:
    """How many evaluations make a round: as many for all as take the fastest row a fraction of a second."""
    once_s = [runner.attempt("warming up", runner.measure, 1, 0) or [math.inf] for runner in runners]
    fastest_s = min(min(it) for it in once_s)
    return min(_MOST, max(_FEWEST, math.ceil(_ROUND_S / fastest_s)))


def take_turns(runners: Sequence[RowRunner], rounds: int, evaluations: int, seed: int = 0) -> None:
    """Let every row measure in every round; one that fails misses the rest, and so does a slow one that had enough."""
    order, generator = list(runners), random.Random(seed)
    for _ in range(rounds):
        generator.shuffle(order)
        for runner in order:
            misses = runner.has_had_enough
            runner.note_round([] if misses else runner.attempt("measuring", runner.measure, evaluations) or [])
