"""What was found out about one row, as far as it got."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from common.comparison.agreement import RowAgreement
from common.comparison.measurement import Limit, Timing, summarise
from common.comparison.plan import Row
from common.results import RunResult

Status = Literal["measured", "incomplete", "unavailable", "died"]


@dataclass(frozen=True)
class Memory:
    """The peak of a row's process in bytes: resident, and what its framework tells of the GPU."""

    resident_bytes: int
    gpu_allocated_bytes: int | None
    gpu_reserved_bytes: int | None


@dataclass(frozen=True, eq=False)
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
    environment: Mapping[str, Any] | None = None
    phases: Mapping[str, float] = field(default_factory=dict)
    rounds_s: tuple[tuple[float, ...], ...] = ()
    limit: Limit | None = None
    memory: Memory | None = None
    run: RunResult | None = None

    @property
    def timing(self) -> Timing | None:
        """The median and spread of the row's evaluations, if there are any."""
        return summarise(self.rounds_s)
