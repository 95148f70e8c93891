"""How far a tensor is from what it should be, and how far rounding alone may take it."""

from dataclasses import dataclass

import numpy as np

from common.distances import cosine_gap
from common.oracle import Arithmetic, Run, Variant
from common.problem import Precision
from common.tensors import Array, TensorName
from common.tolerances import NEGLIGIBLE_TERM, bounds_for

_NOTHING = 1e-300


@dataclass(frozen=True)
class Difference:
    """Relative L2 difference, largest absolute one, and cosine; a difference of shapes is infinite."""

    relative: float
    largest: float
    cosine: float


def difference(got: Array, expected: Array, unit: Array | float | None = None) -> Difference:
    """The difference of two tensors, relative to the norm of the second or of `unit`."""
    if got.shape != expected.shape:
        return Difference(np.inf, np.inf, np.nan)
    if not (np.isfinite(got).all() and np.isfinite(expected).all()):
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


def tolerance(text: str, precision: Precision, variant: Variant) -> float:
    """The largest relative difference of a tensor that is rounding."""
    name, bounds = TensorName.parse(text), bounds_for(_PRECISIONS.get(variant.arithmetic, precision))
    if name.stage == "saved":
        return _SAVED
    if name.is_picture:
        return bounds_for("float32").features  # pictures are float32, whatever is computed from them
    if name.kind in ("adam/pixels", "lbfgs/pixels"):
        return bounds.gradient_followed if precision == "float64" else _STEPS
    if name.kind in ("adam/gradient", "lbfgs/gradients"):
        return bounds.gradient_flipped
    if name.stage == "gradient":
        return bounds.gradient_followed
    return bounds.losses if name.stage in ("loss", "optimizer") else bounds.features


# float16 keeps as many bits as TF32.
_PRECISIONS: dict[Arithmetic, Precision] = {"tf32": "tf32", "float16": "tf32", "bfloat16": "bfloat16"}
# A value that lies within rounding of a half may be written one lower or higher.
_SAVED = 2e-3
# Of an optimizer's steps in float32.
_STEPS = 2e-3
