"""Every tensor of a port beside the reference: which is the first that differs, and which only inherit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.doctor.diagnosis.differences import Difference, difference, tolerance, unit_of
from common.oracle import RIGHT, Case, Run, Variant
from common.problem import Precision
from common.tensors import Array, Arrays, TensorName

Verdict = Literal["same", "inherits", "differs"]


@dataclass(frozen=True)
class Judged:
    """One tensor: its difference from the reference, and from what follows from the port's own tensors before it."""

    name: str
    shape: tuple[int, ...]
    from_reference: Difference
    from_own: Difference
    tolerance: float
    explained: bool = False

    @property
    def verdict(self) -> Verdict:
        """`differs` where it is neither the reference's, nor what its own inputs or an error before it should give."""
        if self.from_reference.relative <= self.tolerance:
            return "same"
        return "inherits" if self.explained or self.from_own.relative <= self.tolerance else "differs"


class Judge:
    """Judges a port's tensors by one variant."""

    def __init__(
        self,
        case: Case,
        given: Arrays,
        precision: Precision,
        variant: Variant = RIGHT,
        like: "Judge | None" = None,
        own: Run | None = None,
        reference: Run | None = None,
    ) -> None:
        """`own` is what follows from the port's tensors; it and the reference are made where they are not given."""
        self.variant, self._given, self._precision = variant, given, precision
        self.own: Run = own or Run(case, variant, given, None if like is None else like.own)
        self.reference: Run = reference or Run(case, variant, None, None if like is None else like.reference)

    def judge(self, names: Iterable[str]) -> list[Judged]:
        """Some tensors, with both differences."""
        return [
            Judged(name, self._given[name].shape, self.from_reference(name), self.from_own(name), self.tolerance(name))
            for name in names
        ]

    def is_wrong(self, name: str) -> bool:
        """Whether a tensor is neither the variant's nor what its own inputs should have given."""
        bound = self.tolerance(name)
        return self.from_own(name).relative > bound and self.from_reference(name).relative > bound

    def from_own(self, name: str) -> Difference:
        """The difference from what the variant makes of the port's tensors before it."""
        return _between(name, self._given[name], self.own)

    def from_reference(self, name: str) -> Difference:
        """The difference from what the variant makes of the pictures."""
        # An optimizer's path is only judged from its own last point: rounding grows on the way.
        is_step = TensorName.parse(name).stage == "optimizer"
        return _between(name, self._given[name], self.own if is_step else self.reference)

    def tolerance(self, name: str) -> float:
        """What rounding may do to a tensor."""
        return tolerance(name, self._precision, self.variant)


def judged_part(name: str, got: Array, expected: Array) -> Array:
    """What is compared of a tensor: of the losses and gradients of L-BFGS the first few."""
    is_cut = name in ("lbfgs/losses", "lbfgs/gradients") and got.ndim == expected.ndim
    return got[: len(expected)] if is_cut else got


def _between(name: str, got: Array, run: Run) -> Difference:
    expected = run.expected(name)
    got = judged_part(name, got, expected)
    if name == "saved" and got.shape == expected.shape:
        off = np.abs(got.astype(np.float64) - expected)
        return Difference(float(np.mean(off > 0)), float(off.max()), np.nan)
    return difference(got, expected, unit_of(name, run))
