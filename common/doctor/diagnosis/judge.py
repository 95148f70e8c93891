"""Every tensor of a port beside the reference: which is the first that differs, and which only inherit."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from common.distances import cosine_gap
from common.doctor.hypotheses import Fault
from common.oracle import RIGHT, Arithmetic, Case, Run, Variant, work
from common.problem import Precision
from common.tensors import Array, Arrays, TensorName
from common.tolerances import NEGLIGIBLE_TERM, bounds_for
from common.vgg19 import NAMES

Verdict = Literal["same", "inherits", "differs"]

_NOTHING = 1e-300
_OF_A_RUN = 10**7  # multiplications that take as long as what a run does beside its convolutions
# float16 keeps as many bits as TF32.
_PRECISIONS: dict[Arithmetic, Precision] = {"tf32": "tf32", "float16": "tf32", "bfloat16": "bfloat16"}
_SAVED = 2e-3  # a value that lies within rounding of a half may be written one lower or higher
_STEPS = 2e-3  # of an optimizer's steps in float32


@dataclass(frozen=True)
class Difference:
    """Relative L2 difference, largest absolute one, and cosine; a difference of shapes is infinite."""

    relative: float
    largest: float
    cosine: float


def difference(got: Array, expected: Array, unit: Array | float | None = None) -> Difference:
    """The difference of two tensors, relative to the norm of the second or of `unit`."""
    if got.shape != expected.shape or not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return Difference(np.inf, np.inf, np.nan)
    ours, theirs = got.astype(np.float64), expected.astype(np.float64)
    largest = float(np.max(np.abs(ours - theirs), initial=0.0))
    distance, norm = float(np.linalg.norm(ours - theirs)), float(np.linalg.norm(theirs if unit is None else unit))
    relative = 0.0 if distance == 0 else distance / norm if norm > _NOTHING else np.inf
    return Difference(relative, largest, 1 - cosine_gap(ours.ravel(), theirs.ravel()))


def unit_of(text: str, run: Run) -> Array | float | None:
    """What the difference of a tensor is relative to; None where that is the tensor itself."""
    name = TensorName.parse(text)
    if name.stage == "loss":
        return loss_unit(run.expected(text), run.expected("loss/total"))
    if name.kind == "adam/pixels":
        return run.expected(text) - run.value(name.stepped_from)
    if name.kind == "lbfgs/pixels":
        points = run.expected(text)
        return points - points[:1]
    return None


def loss_unit(term: Array, total: Array) -> float:
    """What the difference of a loss term is relative to: itself, or a negligible part of the total."""
    return max(abs(float(term)), NEGLIGIBLE_TERM * abs(float(total)))


def judged_part(name: str, got: Array, expected: Array) -> Array:
    """What is compared of a tensor: of the losses and gradients of L-BFGS the first few."""
    is_cut = name in ("lbfgs/losses", "lbfgs/gradients") and got.ndim == expected.ndim
    return got[: len(expected)] if is_cut else got


@dataclass(frozen=True)
class Judged:
    """One tensor: its difference from the reference, and from what follows from the port's own tensors before it."""

    name: str
    shape: tuple[int, ...]
    from_reference: Difference
    from_own: Difference
    tolerance: float
    explained: bool

    @property
    def verdict(self) -> Verdict:
        """`differs` where it is neither the reference's, nor what its own inputs or an error before it should give."""
        if self.from_reference.relative <= self.tolerance:
            return "same"
        return "inherits" if self.explained or self.from_own.relative <= self.tolerance else "differs"


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges a port's tensors by one variant: `reference` computes from the pictures, `own` from the port's tensors."""

    given: Arrays
    precision: Precision
    own: Run
    reference: Run
    right: Run  # without faults, from the pictures
    set_aside: frozenset[str] = frozenset()  # the port's tensors that stand in no tensor's place

    @classmethod
    def of(cls, case: Case, given: Arrays, precision: Precision, reference: Run | None = None) -> "Judge":
        """The judge by what is right; `reference` is the case's, where it has been run already."""
        right = reference or Run(case, RIGHT)
        return cls(given, precision, Run(case, RIGHT, given), right, right)

    def but(self, *faults: Fault) -> "Judge | None":
        """The judge by a variant with some more faults; None where they do not go together."""
        variant: Variant | None = self.variant
        for fault in faults:
            variant = None if variant is None else variant.changed(fault.changes)
        if variant is None:
            return None
        work.add(_OF_A_RUN)
        # What a fault leaves as it is, need not be computed again.
        firsts = [fault.differs_from for fault in faults if not (fault.is_late or self._keeps_maps(fault))]
        differs_from = min(filter(None, firsts), key=NAMES.index, default=None)
        shares = None not in firsts
        own, reference = (
            Run(run.case, variant, given, run if shares else None, differs_from)
            for run, given in ((self.own, self.used), (self.reference, None))
        )
        return replace(self, own=own, reference=reference)

    def _keeps_maps(self, fault: Fault) -> bool:
        """Whether a fault that moves taps leaves every layer its feature map: none is given under a tap's name."""
        given = any(name.startswith("features/") for name in self.used)
        by_layers = "own_names" in fault.changes and (self.variant.own_names or not self.variant.taps)
        return fault.stage == "taps" and (by_layers or not given)

    def keeps(self, name: str, before: "Judge") -> bool:
        """Whether a tensor follows from the port's tensors before it as by another judge."""
        ours, theirs = self.own.expected(name), before.own.expected(name)
        is_loss = TensorName.parse(name).stage == "loss"
        unit = loss_unit(theirs, self.right.expected("loss/total")) if is_loss else None
        return difference(ours, theirs, unit).relative <= self.tolerance(name)

    def has_pictures_of(self, other: "Judge") -> bool:
        """Whether the decoded and resized pictures are the same."""
        names = (f"{role}/{kind}" for role in ("content", "style") for kind in ("decoded", "resized"))
        return all(np.array_equal(self.own.expected(name), other.own.expected(name)) for name in names)

    def without(self, names: Collection[str]) -> "Judge":
        """The judge by the same variant for a port whose tensors by some names stand in no tensor's place."""
        judge = replace(self, set_aside=self.set_aside | set(names))
        return replace(judge, own=Run(self.own.case, self.variant, judge.used))

    @property
    def used(self) -> Arrays:
        """The port's tensors that others are computed from."""
        return {name: array for name, array in self.given.items() if name not in self.set_aside}

    @property
    def variant(self) -> Variant:
        """What the tensors are judged by."""
        return self.own.variant

    def judged(self, name: str, explained: bool = False) -> Judged:
        """A tensor with both differences."""
        reference, own = self.from_reference(name), self.from_own(name)
        if TensorName.parse(name).stage == "optimizer":  # whose own inputs are its points, which the reference has too
            own = min(reference, own, key=lambda difference: difference.relative)
        return Judged(name, self.given[name].shape, reference, own, self.tolerance(name), explained)

    def is_wrong(self, name: str) -> bool:
        """Whether a tensor is neither the variant's nor what its own inputs should have given."""
        bound = self.tolerance(name)
        return self.from_own(name).relative > bound and self.from_reference(name).relative > bound

    def from_own(self, name: str) -> Difference:
        """The difference from what the variant makes of the port's tensors before it."""
        return self._from(name, self.own)

    def from_reference(self, name: str) -> Difference:
        """The difference from what the variant makes of the pictures."""
        if TensorName.parse(name).stage != "optimizer":
            return self._from(name, self.reference)
        # An optimizer's path is judged from its own last point, because rounding grows on the way; where that does not
        # fit, by what the reference makes of the pictures at those points; and then by the path of what is right, which
        # a port may have taken that hands over other points.
        runs = [self.own, self._along_the_path, *([self.right] if self.variant == RIGHT else [])]
        differences = (self._from(name, run) for run in runs)
        nearest = next((it for it in differences if it.relative <= self.tolerance(name)), None)
        return self._from(name, self._along_the_path) if nearest is None else nearest

    def from_the_right(self, name: str) -> Difference:
        """The difference from what is right, whatever faults were found."""
        return self._from(name, self.right)

    @cached_property
    def _along_the_path(self) -> Run:
        """The variant from the pictures, at the points of the port's optimizers."""
        path = {name: array for name, array in self.given.items() if TensorName.parse(name).stage == "optimizer"}
        return Run(self.own.case, self.variant, path, self.reference)

    def _from(self, name: str, run: Run) -> Difference:
        """The difference from what a run makes of a tensor; each is asked for again and again, and computed once."""
        if (name, run) not in self._known:
            self._known[name, run] = self._computed(name, run)
        return self._known[name, run]

    @cached_property
    def _known(self) -> dict[tuple[str, Run], Difference]:
        return {}

    def _computed(self, name: str, run: Run) -> Difference:
        if not np.isfinite(self.given[name]).all():
            return Difference(np.inf, np.inf, np.nan)
        expected = run.expected(name)
        got = judged_part(name, self.given[name], expected)
        if name == "saved" and got.shape == expected.shape:
            off = np.abs(got.astype(np.float64) - expected)
            return Difference(float(np.mean(off > 0)), float(off.max()), np.nan)
        if TensorName.parse(name).stage == "loss":  # a fault's own total would take the whole network for each term
            return difference(got, expected, loss_unit(expected, self.right.expected("loss/total")))
        return difference(got, expected, unit_of(name, run))

    def tolerance(self, text: str) -> float:
        """The largest relative difference of a tensor that is rounding."""
        name, bounds = TensorName.parse(text), bounds_for(_PRECISIONS.get(self.variant.arithmetic, self.precision))
        if name.stage == "saved":
            return _SAVED
        if name.stage in ("file", "resize"):
            return bounds_for("float32").features  # pictures are float32, whatever is computed from them
        if name.kind in ("adam/pixels", "lbfgs/pixels"):
            return bounds.gradient_followed if self.precision == "float64" else _STEPS
        if name.kind in ("adam/gradient", "lbfgs/gradients"):
            return bounds.gradient_flipped
        if name.stage == "gradient":
            return bounds.gradient_followed
        return bounds.losses if name.stage in ("loss", "optimizer") else bounds.features
