"""The comparison itself: first the references, then each group of rows is prepared, measured and run to the end."""

import math
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Literal

from common.backend import BACKENDS
from common.comparison.agreement import Agreement, compare
from common.comparison.devices import Interpreter
from common.comparison.measurement import Others
from common.comparison.memory_plan import memory_of_steps
from common.comparison.progress import Progress
from common.comparison.request import Group, Request
from common.comparison.row_runner import RowResult, RowRunner, had_enough
from common.comparison.scene import Scene
from common.comparison.workers import Worker
from common.errors import RosettaError
from common.oracle import Run, case_at
from common.problem import Precision, Problem, probe
from common.tensors import Arrays

# What is known while a session goes on: the algorithm's tables, and of a group each row's agreement, its time an
# evaluation, and all the rest.
Part = Literal["algorithm", "agreement", "timing", "whole"]
OnPart = Callable[[Part, Sequence[Group]], None]
_ROUND_S = 0.4
_FEWEST, _MOST = 3, 50


class Session:
    """One comparison; `results` and `algorithm` hold what has been found out, also after an interrupt."""

    def __init__(self, request: Request) -> None:
        self.request, self.scene = request, Scene.of(request)
        self.scene.check_sizes(request.sizes)
        self.scene.check_tiles()
        self.scene.check_memory(*memory_of_steps(self.scene))
        self._progress = Progress()
        self._runners = [RowRunner(row, self.scene, request.threads, self._progress) for row in request.rows]
        # What each interpreter's backend computes in float64, by size, or why it cannot.
        self._references: dict[Interpreter, dict[str, Arrays] | RosettaError] = {}
        self._products_flops_per_s: dict[tuple[Interpreter, Precision], float] = {}
        # The oracle in small and in float64 proves the algorithm, and every row is checked by it.
        self._truth = _oracle(self.scene.small_problem("float64"))
        self._at_size = self.scene.problem_at("float32", request.sizes[0])  # shows the rounding, and what it flips
        self.algorithm: tuple[Agreement, ...] = ()
        self.evaluations_per_round: dict[Group, int] = {}
        self.others_fraction = 0.0

    @property
    def results(self) -> tuple[RowResult, ...]:
        """What is known of every row."""
        return tuple(runner.result for runner in self._runners)

    @property
    def has_timed_all_asked_for(self) -> bool:
        """Whether every row, and of every backend a row, that the request names has been timed."""
        timed = [result.row for result in self.results if result.timing is not None]
        return self.request.asked_for <= {name for row in timed for name in (row.kind, row.backend)}

    def run(self, on_part: OnPart = lambda *_: None) -> None:
        """Do everything, and say when each part is known; an interrupt ends the workers and keeps the results."""

        def known(part: Part, *groups: Group) -> None:
            with self._progress.paused():
                on_part(part, groups)

        with self._progress:
            self._prove(self._take_references())
            known("algorithm")
            for group in self.request.groups:
                runners = [runner for runner in self._runners if runner.row.group == group]
                with ExitStack() as closing:
                    for runner in runners:
                        closing.callback(runner.close)
                    self._run_group(group, runners, known)

    def _take_references(self) -> dict[str, tuple[Arrays, Arrays]]:
        """What the algorithm is proven by, by name; nothing is timed, and all interpreters compute at once."""
        self._progress.stage("references")
        names: dict[Interpreter, str] = {}  # the backend's, or that of the first row that an interpreter has
        for row in self.request.rows:
            names.setdefault((row.backend, row.python), row.kind if row.backend in names.values() else row.backend)
        threads = max(1, self.request.threads // len(names))
        with ThreadPoolExecutor(len(names)) as pool, ExitStack() as closing:
            asked = {name: pool.submit(self._take_reference, it, threads, closing) for it, name in names.items()}
            taken = {name: future.result() for name, future in asked.items()}
        return {name: tensors for name, tensors in taken.items() if tensors is not None}

    def _take_reference(
        self, interpreter: Interpreter, threads: int, closing: ExitStack
    ) -> tuple[Arrays, Arrays] | None:
        """Every tensor in small, and the choices at the first size; None where the interpreter cannot, and noted."""
        label = BACKENDS[interpreter[0]].label
        self._progress.say(f"importing {label}")
        try:
            worker = closing.enter_context(Worker(*interpreter, threads))
            worker.imported()
            self._progress.say(f"{label} in float64")

            def ask(action: str, problem: Problem) -> Arrays:
                return worker.ask(action, self.scene.job(problem, probe(problem))).arrays

            tabled = ask("tensors", self._truth.case.problem), ask("inspect", self._at_size)
            by_size = {size: self.scene.problem_at("float64", size) for size in self.request.sizes}
            self._references[interpreter] = {size: ask("evaluate", problem) for size, problem in by_size.items()}
            worker.close()
        except RosettaError as error:
            self._references[interpreter] = error
            return None
        return tabled

    def _prove(self, tabled: dict[str, tuple[Arrays, Arrays]]) -> None:
        """The full tables of all interpreters against the oracle and each other, and what the port doctor finds."""
        if not tabled:
            return
        self._progress.stage("oracle")
        self._progress.say("float64")
        small = compare(self._truth, {name: tensors for name, (tensors, _) in tabled.items()})
        self._progress.say("float32")
        at_size = {name: tensors for name, (_, tensors) in tabled.items()}
        self.algorithm = (small, compare(_oracle(self._at_size), at_size, explained=False))

    def _run_group(self, group: Group, runners: Sequence[RowRunner], known: Callable[[Part, Group], None]) -> None:
        start_s = time.monotonic()
        self._make_ready(group, runners)
        ready_s = time.monotonic() - start_s
        known("agreement", group)
        self._expect(group, runners, ready_s, self.request.rounds)
        self._measure(group, runners)
        known("timing", group)
        self._expect(group, runners, ready_s, 0)
        self._run_whole(group, runners)
        known("whole", group)

    def _make_ready(self, group: Group, runners: Sequence[RowRunner]) -> None:
        self._progress.stage(f"{group.precision} {group.size}: preparing")
        for runner in runners:
            runner.attempt("importing", runner.start)
            runner.attempt("building, first evaluation", self._prepare, runner)
        self.evaluations_per_round[group] = evaluations_per_round(runners)

    def _measure(self, group: Group, runners: Sequence[RowRunner]) -> None:
        others = Others(runner.pid for runner in runners if runner.pid is not None)
        self._progress.stage(f"{group.precision} {group.size}: measuring", self.request.rounds * len(runners))
        take_turns(runners, self.request.rounds, self.evaluations_per_round[group])
        self.others_fraction = max(self.others_fraction, others.fraction() or 0.0)

    def _run_whole(self, group: Group, runners: Sequence[RowRunner]) -> None:
        total = sum(runner.steps for runner in runners)
        self._progress.stage(f"{group.precision} {group.size}: transfers", total)
        for runner in runners:
            runner.attempt("whole transfer", runner.run)
            runner.attempt("matrix products", self._find_limit, runner)
            runner.attempt("done", runner.finish)

    def _expect(self, group: Group, runners: Sequence[RowRunner], ready_s: float, rounds: int) -> None:
        """Forecast the rest: the rounds and transfers of the group, and the later groups by their number of pixels."""
        count, groups = self.evaluations_per_round[group], self.request.groups
        rounds_s = {n: sum(it.expected_rounds_s(n, count) for it in runners) for n in (rounds, self.request.rounds)}
        transfers_s = sum(runner.expected_transfer_s for runner in runners)
        areas = {runner.row.group: math.prod(runner.result.size_px) for runner in self._runners}
        later = sum(areas[it] for it in groups[groups.index(group) + 1 :]) / areas[group]
        whole_s = ready_s + rounds_s[self.request.rounds] + transfers_s
        self._progress.expect(rounds_s[rounds] + transfers_s + later * whole_s)

    def _prepare(self, runner: RowRunner) -> None:
        reference = self._references[runner.row.backend, runner.row.python]
        if isinstance(reference, RosettaError):
            raise reference
        runner.judge(runner.prepare(), reference[runner.row.group.size], self._truth)

    def _find_limit(self, runner: RowRunner) -> None:
        key = (runner.row.backend, runner.row.python), runner.row.group.precision
        if key not in self._products_flops_per_s:
            self._products_flops_per_s[key] = runner.products_flops_per_s()
        runner.note_limit(self._products_flops_per_s[key])


def check_asked_for(request: Request) -> None:
    """Raise RosettaError when a backend that the request names, or that of a named row, cannot be imported.

    All interpreters import at once.
    """
    rows = [row for row in request.rows if request.asked_for & {row.kind, row.backend}]
    with ExitStack() as closing:
        started = {(row.backend, row.python): row for row in reversed(rows)}
        workers = [(row, closing.enter_context(Worker(*interpreter))) for interpreter, row in started.items()]
        for row, worker in workers:
            try:
                worker.imported()
            except RosettaError as error:
                by = f" by {row.python}" if row.python else ""
                raise RosettaError(f"{row.kind} was asked for and cannot run{by}: {error}") from None


def _oracle(problem: Problem) -> Run:
    return Run(case_at(problem, probe(problem)))


def evaluations_per_round(runners: Sequence[RowRunner]) -> int:
    """How many evaluations make a round: as many for all as take the fastest row a fraction of a second."""
    once_s = [runner.attempt("warming up", runner.measure, 1, 0) or [math.inf] for runner in runners]
    return min(_MOST, max(_FEWEST, math.ceil(_ROUND_S / min(map(min, once_s)))))


def take_turns(runners: Sequence[RowRunner], rounds: int, evaluations: int, seed: int = 0) -> None:
    """Let every row measure in every round; one that fails misses the rest, and so does a slow one that had enough."""
    order, generator = list(runners), random.Random(seed)
    for _ in range(rounds):
        generator.shuffle(order)
        for runner in order:
            misses = had_enough(runner.result.rounds_s)
            runner.note_round([] if misses else runner.attempt("measuring", runner.measure, evaluations) or [])
