"""A row with its worker: it is prepared, measured a round at a time, and run to the end."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, TypeVar

import numpy as np

from common.backend import BACKENDS
from common.comparison.agreement import RowAgreement
from common.comparison.measurement import Limit, Rounds, ceiling_flops_per_s, evaluation_flops, optimizer_s
from common.comparison.plan import Row, Scene
from common.comparison.progress import Progress
from common.comparison.session.row_result import Memory, RowResult, Status
from common.comparison.workers import Outcome, Worker, WorkerDiedError, variables
from common.errors import RosettaError
from common.problem import Problem, probe
from common.results import RunResult
from common.tensors import Arrays

Value = TypeVar("Value")
_LONGEST_TRANSFER_S = 600.0
_LONGEST_ROUNDS_S, _FEWEST_ROUNDS = 240.0, 2


def had_enough(rounds_s: Rounds) -> bool:
    """Whether rounds are so many and took so long that the other rows need not wait for more of them."""
    durations_s = [sum(evaluations_s) for evaluations_s in rounds_s if evaluations_s]
    return len(durations_s) >= _FEWEST_ROUNDS and sum(durations_s) > _LONGEST_ROUNDS_S


class RowRunner:
    """A row's worker process and what is known of the row so far, in `result`.

    What goes wrong becomes part of the result: the other rows go on.
    """

    def __init__(self, row: Row, scene: Scene, threads: int, progress: Progress) -> None:
        self.row, self._scene, self._threads, self._progress = row, scene, threads, progress
        self._whole = scene.for_row(row, scene.problem(row.group.precision, row.group.size))
        last = self._whole.recipe.stages[-1]
        self.problem = self._whole.at(last)  # with the pictures as the last stage has them
        height, width = self.problem.content.shape[:2]
        self.result = RowResult(row, (height, width), last.optimizer.label)
        self._worker: Worker | None = None
        self._forward_s: list[float] = []

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._worker is None else self._worker.pid

    @property
    def works(self) -> bool:
        """Whether nothing has gone wrong yet."""
        return self.result.why is None

    @property
    def steps(self) -> int:
        """The evaluations of the whole transfer."""
        return self._whole.recipe.steps

    @property
    def transfer_s(self) -> float:
        """About how long the whole transfer takes."""
        timing = self.result.timing
        return 0.0 if timing is None else timing.median_s * self.steps

    @property
    def has_had_enough(self) -> bool:
        """Whether its rounds have taken so long, and are so many, that the others need not wait for more."""
        return had_enough(self.result.rounds_s)

    @property
    def too_long(self) -> bool:
        """Whether the whole transfer is left out, so that one slow row does not hold up the others for hours."""
        return self.transfer_s > _LONGEST_TRANSFER_S

    def attempt(self, state: str, work: Callable[..., Value], *arguments: Any) -> Value | None:
        """What a piece of work gives; None when something goes wrong in it or has gone wrong before."""
        if not self.works:
            return None
        self._progress.say(f"{self.row.name}, {state}")
        try:
            return work(*arguments)
        except RosettaError as error:
            status = self._status_after(error)
            self._note(status=status, why=str(error))
            self._progress.warn(f"{self.row.name}: {status}: {error}")
            self.close()
            return None

    def _status_after(self, error: RosettaError) -> Status:
        if isinstance(error, WorkerDiedError):
            return "died"
        return "unavailable" if self.result.timing is None else "incomplete"

    def start(self) -> None:
        """Start the process, which imports the backend."""
        self._worker = Worker(self.row.backend, self.row.python, self._threads)
        values = self._worker.imported()
        values |= {
            "variables": variables(BACKENDS[self.row.backend], self._threads),
            "flags": {},
            "threads": {},
            "gpu": None,
        }
        self._note(environment=values, phases={"import_s": values.pop("import_s")})

    def prepare(self) -> Arrays:
        """Build the problem and evaluate it for the first time; losses and gradient by the doctor's names."""
        outcome = self._ask("prepare", self.problem)
        weights_s = outcome.values["weights_s"]
        self._note(
            environment={**(self.result.environment or {}), **outcome.values["environment"]},
            phases={**self.result.phases, "weights_s": weights_s, **outcome.values["phases"]},
        )
        return outcome.arrays

    def evaluate_small(self) -> Arrays:
        """The same of the small problem, with feature maps unless the network is fused."""
        problem = self._scene.for_row(self.row, self._scene.small_problem(self.row.group.precision))
        inner = {} if self.row.fused else self._ask("inspect", problem).arrays
        return {**inner, **self._ask("evaluate", problem).arrays}

    def measure(self, evaluations: int, forwards: int = 1) -> list[float]:
        """Seconds of some evaluations, one after the other; forward passes are noted on the way."""
        delay = asdict(self.row.delay)
        values = self._answer("measure", evaluations=evaluations, forwards=forwards, delay=delay)
        self._forward_s += values["forward_s"]
        return list(values["evaluation_s"])

    def note_round(self, durations_s: list[float]) -> None:
        """Add a round; an empty one was missed."""
        self._note(rounds_s=(*self.result.rounds_s, tuple(durations_s)))
        self._progress.advance()
        if self._forward_s:
            self._note(phases={**self.result.phases, "forward_s": float(np.median(self._forward_s))})

    def run(self) -> None:
        """The whole transfer, unless it would take too long, then the peak of memory."""
        if not self.too_long:
            self._transfer()
        memory = self._answer("memory")
        gpu = memory["gpu"] or {"allocated_bytes": None, "reserved_bytes": None}
        self._note(memory=Memory(memory["resident_bytes"], *gpu.values()))

    def _transfer(self) -> None:
        job = self._scene.job(self._whole, self._scene.init)
        outcome = self._the_worker.ask("stylize", job, lambda kind, _: self._progress.advance(kind == "step"))
        run = RunResult.from_json(outcome.values["run"], outcome.arrays["image"])
        phases = {"optimizer_s": optimizer_s(run), "saving_s": outcome.values["saving_s"]}
        self._note(run=run, phases={**self.result.phases, **phases})

    def products_flops_per_s(self) -> float:
        """The operations a second of a large matrix product, measured in the row's own process."""
        return ceiling_flops_per_s(
            lambda size, products: self._answer("ceiling", size=size, products=products)["product_s"]
        )

    def note_limit(self, products_flops_per_s: float) -> None:
        """Count the operations of an evaluation, and note them beside those of a matrix product."""
        if timing := self.result.timing:
            flops = evaluation_flops(self._scene.recipe, *self.result.size_px)
            rates = (flops / timing.median_s, products_flops_per_s, products_flops_per_s)
            self._note(limit=Limit(flops, *rates))  # the ceiling of all rows is not known yet

    def finish(self) -> None:
        """Mark the row as measured and end its process."""
        why = f"no whole transfer, which would take {self.transfer_s / 60:.0f} minutes" if self.too_long else None
        self._note(status="measured", why=why)
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def judge(self, agreement: RowAgreement) -> None:
        """Note what the row's agreement is."""
        self._note(agreement=agreement)

    @property
    def _the_worker(self) -> Worker:
        if self._worker is None:
            raise RosettaError(f"{self.row.name} has no process")
        return self._worker

    def _ask(self, action: str, problem: Problem) -> Outcome:
        return self._the_worker.ask(action, self._scene.job(problem, probe(problem)))

    def _answer(self, action: str, **numbers: Any) -> dict[str, Any]:
        return self._the_worker.ask(action, **numbers).values

    def _note(self, **changes: Any) -> None:
        self.result = replace(self.result, **changes)
