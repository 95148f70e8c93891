"""A row with its worker: it is prepared, measured a round at a time, and run to the end; and what is known of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

from common.backend import BACKENDS
from common.comparison import measurement
from common.comparison.agreement import RowAgreement, check_by_oracle, check_by_own
from common.comparison.progress import Progress
from common.comparison.request import Row
from common.comparison.scene import Scene
from common.comparison.workers import LONGEST_TURN_S, Job, Outcome, Worker, WorkerDiedError
from common.errors import RosettaError, printable
from common.oracle import Run
from common.problem import Problem, probe
from common.results import RunResult
from common.tensors import Arrays

Status = Literal["measured", "incomplete", "unavailable", "died"]
Value = TypeVar("Value")
_LONGEST_TRANSFER_S = 600.0
_LONGEST_ROUNDS_S, _FEWEST_ROUNDS = 240.0, 2


@dataclass(frozen=True)
class Memory:
    """The peak of a row's process in bytes: resident, and what its framework tells of the GPU."""

    resident_bytes: int
    gpu_allocated_bytes: int | None
    gpu_reserved_bytes: int | None


@dataclass(eq=False)
class RowResult:
    """A row's measurements; what has not been measured (yet) is None or empty, and `why` says what went wrong.

    `phases` holds seconds by phase; a round that the row missed is empty.
    """

    row: Row
    size_px: tuple[int, int]
    optimizer: str
    status: Status = "incomplete"
    why: str | None = None
    agreement: RowAgreement | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)
    rounds_s: tuple[tuple[float, ...], ...] = ()
    limit: measurement.Limit | None = None
    memory: Memory | None = None
    run: RunResult | None = None

    @property
    def timing(self) -> measurement.Timing | None:
        """The median and spread of the row's evaluations, if there are any."""
        return measurement.summarise(self.rounds_s)


def had_enough(rounds_s: measurement.Rounds) -> bool:
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
        self.steps = self._whole.recipe.steps
        height, width = self.problem.content.shape[:2]
        self.result = RowResult(row, (height, width), last.optimizer.label)
        self._worker: Worker | None = None
        self._forward_s: list[float] = []
        self._evaluation_s = 0.0  # by the last turn

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._worker is None else self._worker.pid

    def attempt(self, state: str, work: Callable[..., Value], *arguments: Any) -> Value | None:
        """What a piece of work gives; None when something goes wrong in it or has gone wrong before."""
        if self.result.why is not None:
            return None
        self._progress.say(f"{self.row.name}, {state}")
        try:
            return work(*arguments)
        except RosettaError as error:
            self.result.status = "unavailable" if self.result.timing is None else "incomplete"
            if isinstance(error, WorkerDiedError):
                self.result.status = "died"
            self.result.why = printable(error)
            self._progress.warn(f"{self.row.name}: {self.result.status}: {error}")
            self.close()
            return None

    def start(self) -> None:
        """Start the process, which imports the backend."""
        self._worker = Worker(self.row.backend, self.row.python, self._threads)
        imported = self._worker.imported()
        self.result.phases["import_s"] = imported.pop("import_s")
        variables = self._worker.variables
        self.result.environment = {**imported, "variables": variables, "flags": {}, "threads": {}, "gpu": None}

    def prepare(self) -> Arrays:
        """Build the problem and evaluate it for the first time; losses and gradient by the doctor's names."""
        outcome = self._ask_at_probe("prepare", self.problem)
        self.result.environment |= outcome.values["environment"]
        self.result.phases |= {"weights_s": outcome.values["weights_s"], **outcome.values["phases"]}
        return outcome.arrays

    def judge(self, at_size: Arrays, reference: Arrays, truth: Run) -> None:
        """Note how the first evaluation agrees with its backend's in float64, and a small one with the oracle's."""
        precision = self.row.group.precision
        problem = self._scene.for_row(self.row, self._scene.small_problem(precision))
        fused = self.row.mode in BACKENDS[self.row.backend].fused
        inner = {} if fused else self._ask_at_probe("inspect", problem).arrays
        by_oracle = check_by_oracle({**inner, **self._ask_at_probe("evaluate", problem).arrays}, truth, precision)
        self.result.agreement = RowAgreement(by_oracle, check_by_own(at_size, reference, precision))

    def measure(self, evaluations: int, forwards: int = 1) -> list[float]:
        """Seconds of some evaluations, one after the other; forward passes are noted on the way."""
        delay = asdict(self.row.delay)
        values = self._ask("measure", evaluations=evaluations, forwards=forwards, delay=delay).values
        self._forward_s += values["forward_s"]
        self._evaluation_s = float(np.median(values["evaluation_s"]))
        return list(values["evaluation_s"])

    def expected_rounds_s(self, rounds: int, evaluations: int) -> float:
        """About how long some rounds take, by the row's last turn; 0 for a row that is not ready to be measured."""
        if self._worker is None or not self._evaluation_s:
            return 0.0
        timed_s = max(self._evaluation_s, min(evaluations * self._evaluation_s, LONGEST_TURN_S))
        most = max(_FEWEST_ROUNDS, _LONGEST_ROUNDS_S / timed_s)
        return min(rounds, most) * (timed_s + 1.5 * self._evaluation_s)  # one that does not count, and a forward pass

    @property
    def expected_transfer_s(self) -> float:
        """About how long the whole transfer takes, by the row's last turn; 0 where there will be none."""
        transfer_s = self.steps * self._evaluation_s
        return transfer_s if self._worker is not None and transfer_s <= _LONGEST_TRANSFER_S else 0.0

    def note_round(self, durations_s: list[float]) -> None:
        """Add a round; an empty one was missed."""
        self.result.rounds_s += (tuple(durations_s),)
        self._progress.advance()
        if self._forward_s:
            self.result.phases["forward_s"] = float(np.median(self._forward_s))

    def run(self) -> None:
        """The whole transfer, unless it would take too long, then the peak of memory."""
        if self._left_out is None:
            job = self._scene.job(self._whole, self._scene.init)
            outcome = self._ask("stylize", job, on_event=lambda kind, _: self._progress.advance(kind == "step"))
            run = RunResult.from_json(outcome.values["run"], outcome.arrays["image"])
            self.result.run = run
            self.result.phases |= {"optimizer_s": measurement.optimizer_s(run), "saving_s": outcome.values["saving_s"]}
        self.result.memory = Memory(**self._ask("memory").values)

    def products_flops_per_s(self) -> float:
        """The operations a second of a large matrix product, measured in the row's own process."""
        return measurement.ceiling_flops_per_s(
            lambda size, products: self._ask("ceiling", size=size, products=products).values["product_s"]
        )

    def note_limit(self, products_flops_per_s: float) -> None:
        """Count the operations of an evaluation, and note them beside those of a matrix product."""
        if timing := self.result.timing:
            flops = measurement.evaluation_flops(self._whole.recipe, *self.result.size_px)
            ceiling = products_flops_per_s  # of this row; that of all is not known yet
            self.result.limit = measurement.Limit(flops, flops / timing.median_s, products_flops_per_s, ceiling)

    def finish(self) -> None:
        """Mark the row as measured and end its process."""
        self.result.status, self.result.why = "measured", self._left_out
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    @property
    def _left_out(self) -> str | None:
        # One slow row does not hold up the others for hours.
        transfer_s = self.result.timing.median_s * self.steps if self.result.timing else 0.0
        minutes = f"no whole transfer, which would take {transfer_s / 60:.0f} minutes"
        return minutes if transfer_s > _LONGEST_TRANSFER_S else None

    def _ask_at_probe(self, action: str, problem: Problem) -> Outcome:
        return self._ask(action, self._scene.job(problem, probe(problem)))

    def _ask(self, action: str, job: Job | None = None, **rest: Any) -> Outcome:
        assert self._worker is not None, "started, and not closed yet"
        return self._worker.ask(action, job, **rest)
