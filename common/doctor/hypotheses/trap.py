"""What a trap is: the mistake in words, and the faults of the reference that reproduce it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from common.doctor.reference import Case, Changes
from common.tensors import Stage


@dataclass(frozen=True, eq=False)
class Fault:
    """One way to fall into a trap: the fields of `Variant` that differ, and what that means in words.

    Within a stage, faults of a lower rank are tried first: the whole network before a single layer.
    """

    changes: Changes
    detail: str
    rank: int = 0


Faults = Callable[[Case], Iterator[Fault]]


@dataclass(frozen=True, eq=False)
class Trap:
    """A mistake that ports make: its number, a title, how to fix it, and where it was seen.

    `faults` yields what to try, by the stage of the computation at which it acts. A trap without faults is recognised
    by other means, and a `harmless` trap is rounding and no bug.
    """

    number: int
    title: str
    fix: str
    seen_in: str
    faults: Mapping[Stage, Faults] = field(default_factory=lambda: MappingProxyType({}))
    harmless: bool = False
