"""Rows of one precision and size side by side: what each took, which are ranked, and how far apart they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from common.comparison.agreement import RowAgreement
from common.comparison.measurement import Convergence, Limit, Ratio, Reached, Timing
from common.comparison.published import Number, Size, published, where
from common.comparison.row_runner import Memory, Status
from common.problem import Mode, Precision

Switch = str | int | bool | None


@dataclass(frozen=True)
class Environment:
    """What a row's process ran in: versions by package, switches and threads of the framework, variables set for it.

    A switch that is None is unknown; 0 threads are the framework's own choice.
    """

    python: str
    versions: Mapping[str, str]
    flags: Mapping[str, Switch]
    threads: Mapping[str, Switch]
    variables: Mapping[str, str]
    gpu: str | None


@dataclass(frozen=True)
class Phases:
    """Seconds: once in a process, or (forward, backward, optimizer) in one evaluation; None is not measured."""

    import_s: float | None
    weights_s: float | None
    build_s: float | None
    first_evaluation_s: float | None
    forward_s: float | None
    backward_s: float | None
    optimizer_s: float | None
    saving_s: float | None


@dataclass(frozen=True)
class RowReport:
    """One backend in one mode, in a process of its own; what was not measured is None, and `why` says why.

    `name` is unique in the report and `label` in the group; `common` is what it took to reach the group's common
    loss, and `picture` the file name of the row's picture.
    """

    name: str
    label: str
    backend: str
    mode: Mode
    optimizer: str
    status: Status
    why: str | None
    agreement: RowAgreement | None
    environment: Environment | None
    phases: Phases
    evaluation: Timing | None
    limit: Limit | None
    memory: Memory | None
    convergence: Convergence | None
    common: Reached | None
    picture: str | None

    @property
    def disagrees(self) -> bool:
        """Whether the row was checked and does not compute the same."""
        return self.agreement is not None and not self.agreement.agrees

    @published
    def ranked(self) -> bool:
        """Whether the row may be compared with others: it was timed, and agrees."""
        compares = self.evaluation is not None and self.status in ("measured", "incomplete")
        return compares and self.agreement is not None and self.agreement.agrees

    @property
    def state(self) -> str:
        """Why a row is not like the others, in words; empty for a measured row that agrees."""
        if self.disagrees:
            return "disagrees: not ranked"
        if self.status != "measured":
            return f"{self.status}: {self.why}" if self.why else self.status
        return (self.why or "") if self.ranked else "not ranked"


@dataclass(frozen=True)
class Difference:
    """The picture of `row` and that of `to`: PSNR in decibels (None for equal pictures), SSIM (None for small ones)."""

    row: str
    to: str
    psnr_db: float | None
    ssim: float | None
    heat_map: str


@dataclass(frozen=True)
class Group:
    """Rows of one precision and size, which are ranked with one another and with no others.

    `ratios` are of every two ranked rows, the slower first; `common_loss` is the best loss that all of them reach.
    `evaluations_per_round` is 0 before the first.
    """

    precision: Precision
    size_px: Size
    evaluations_per_round: int
    rows: tuple[RowReport, ...]
    ratios: tuple[Ratio, ...]
    common_loss: Number | None
    differences: tuple[Difference, ...]

    @property
    def title(self) -> str:
        """What is equal in all rows."""
        return where(self.precision, self.size_px)

    @property
    def ranking(self) -> list[RowReport]:
        """The rows: those that agree before those that do not, ranked ones first, the fastest first."""

        def place(row: RowReport) -> tuple[bool, bool, float]:
            return row.disagrees, not row.ranked, row.evaluation.median_s if row.evaluation else float("inf")

        return sorted(self.rows, key=place)

    @property
    def timed(self) -> list[tuple[RowReport, Timing]]:
        """The rows whose evaluations were timed, in the order of the ranking."""
        return [(row, row.evaluation) for row in self.ranking if row.evaluation is not None]

    @property
    def converged(self) -> list[tuple[RowReport, Convergence]]:
        """The rows that ran an optimizer, in the order of the ranking."""
        return [(row, row.convergence) for row in self.ranking if row.convergence is not None]

    @property
    def errors(self) -> list[tuple[RowReport, Timing, float]]:
        """The timed rows with the relative error of their gradient by the oracle, in the order of the ranking."""
        checked = [(row, timing, row.agreement.oracle.gradient) for row, timing in self.timed if row.agreement]
        return [(row, timing, error) for row, timing, error in checked if isfinite(error)]

    @property
    def fastest(self) -> RowReport | None:
        """The ranked row with the smallest median; a single row is not the fastest of anything."""
        ranked = [row for row in self.ranking if row.ranked]
        return ranked[0] if len(ranked) > 1 else None

    @property
    def against_fastest(self) -> dict[str, Ratio]:
        """The ratio to the fastest row by the row's name; the fastest has none."""
        return {ratio.row: ratio for ratio in self.ratios if self.fastest and ratio.to == self.fastest.name}

    def standing(self, row: RowReport) -> str:
        """A row's ratio to the fastest with its interval, in the words of the verdicts; empty for a row without any."""
        if row == self.fastest:
            return "fastest"
        ratio = self.against_fastest.get(row.name)
        return ratio.verdict if ratio else ""

    @property
    def scale_s(self) -> float:
        """The first row's median: all times of the group are written in its unit."""
        return next((timing.median_s for _, timing in self.timed), 0.0)
