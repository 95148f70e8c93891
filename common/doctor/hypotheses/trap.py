"""What a trap is: the mistake in words, and the faults of the reference that reproduce it on a case."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from common.oracle import ALL, Case, Changes
from common.tensors import STAGES, Stage
from common.vgg19 import NAMES

_OF_POOLS = {"other_pooling", "pool_scale", "ceil_pooling"}


@dataclass(frozen=True, eq=False)
class Fault:
    """One way to fall into a trap: the stage at which it acts, what it is, and the fields of `Variant` that differ.

    Within a stage, faults of a lower rank are tried first: the whole network before a single layer.
    """

    stage: Stage
    detail: str
    changes: Changes
    rank: int = 0
    trap: int = 0  # its number; 0 for a fault of no trap
    layers: tuple[str, ...] = ()  # in whose place another function is, where that is the fault
    claim: tuple[str, Mapping[str, str]] | None = None  # the clue that says the whole mistake, where no trap does

    @property
    def is_late(self) -> bool:
        """Whether every feature map stays as it is."""
        return STAGES.index(self.stage) >= STAGES.index("gram") and "own_style_size" not in self.changes

    @property
    def layer(self) -> str | None:
        """The only layer that is changed; None where there are more."""
        layer = self.changes.get("only_layer") or self.changes.get("dropped_bias")
        return None if layer in (None, ALL) else str(layer)

    @property
    def differs_from(self) -> str | None:
        """The first layer that is another; None where that may be the first of all."""
        if self.changes.keys() & _OF_POOLS:
            return "pool1"
        return min(self.layers, key=NAMES.index, default=self.layer)


def fault(stage: Stage, detail: str, rank: int = 0, **changes: Any) -> Fault:
    """A fault whose changes are named as the fields of `Variant`."""
    return Fault(stage, detail, changes, rank)


Faults = Callable[[Case], Iterable[Fault]]


@dataclass(frozen=True, eq=False)
class Trap:
    """A mistake that ports make: its number, a title, how to fix it, and where it was seen.

    `faults` gives what to try on a case. A trap without faults is recognised by other means, and a `harmless` trap is
    rounding and no bug.
    """

    number: int
    title: str
    fix: str
    seen_in: str
    faults: Faults | None = None
    harmless: bool = False

    def __call__(self, faults: Faults) -> "Trap":
        """The trap with its faults: it stands above the function that gives them."""
        return replace(self, faults=faults)
