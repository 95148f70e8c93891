"""The rows of a comparison: a backend in an execution mode, in a precision, at a size, by an interpreter."""

from dataclasses import dataclass

from common.comparison.workers import NO_DELAY, Delay
from common.problem import Mode, Precision


@dataclass(frozen=True)
class Group:
    """What rows must share to be ranked with one another; the size is as it was asked for."""

    size: str
    precision: Precision


@dataclass(frozen=True)
class Row:
    """One thing to be measured; its kind is unique within its group, and only the self-test delays it."""

    kind: str
    label: str
    backend: str
    mode: Mode
    group: Group
    python: str | None = None
    delay: Delay = NO_DELAY

    @property
    def name(self) -> str:
        """The row's name, unique within a comparison."""
        return f"{self.kind} {self.group.precision} {self.group.size}"

    @property
    def fused(self) -> bool:
        """Whether the framework compiles the network as a whole, so that its inner values cannot be looked at."""
        return self.mode in ("compiled", "xla")
