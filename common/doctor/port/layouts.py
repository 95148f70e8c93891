"""Which layout a port's tensor has: it is recognised from its shape, said, and never changed in silence."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from common.doctor.diagnosis import difference
from common.oracle import RIGHT, Case, Run, shape_of
from common.tensors import Array, Arrays, TensorName
from common.vgg19 import LAYERS

_CHANNELS = {layer.out_channels for layer in LAYERS}


@dataclass(frozen=True, eq=False)
class Recognised:
    """A port's tensors in (H, W, C) without a batch, and how each was found."""

    arrays: Arrays
    layouts: Mapping[str, str]


def recognise(case: Case, given: Arrays) -> Recognised:
    """Bring every tensor into (H, W, C); where two layouts have one shape, the nearer one is taken."""
    run = Run(case, RIGHT)
    arrays, layouts = {}, {}
    for name, array in given.items():
        arrays[name], layouts[name] = _recognised(name, np.asarray(array), run)
    return Recognised(arrays, layouts)


def _recognised(name: str, array: Array, run: Run) -> tuple[Array, str]:
    if array.dtype == np.uint8 and TensorName.parse(name).is_picture:
        picture, layout = _recognised(name, array / np.float32(255), run)
        return picture, f"{layout}, 8 bits"
    candidates = _candidates(name, array, run.case)
    if not candidates:
        return array, "unknown"
    if len(candidates) == 1:
        return candidates[0]
    expected = run.expected(name)
    return min(candidates, key=lambda candidate: difference(candidate[0], expected).relative)


def _candidates(name: str, array: Array, case: Case) -> list[tuple[Array, str]]:
    """The array in every way that has the shape it should have."""
    wanted = _wanted(name, array, case)
    if wanted is None:
        return []
    if wanted == ():
        return [(array.reshape(()), "scalar")] if array.size == 1 else []
    candidates = _as_image(array, wanted, "")
    if array.ndim > 1 and array.shape[0] == 1:
        candidates += _as_image(array[0], wanted, "N")
    if array.ndim == len(wanted) + 1 == 5 and array.shape[1] == 1:  # a batch of one at each of several points
        candidates += _as_image(array[:, 0], wanted, "N")
    if array.ndim == len(wanted) - 2 and array.size == prod(wanted):
        candidates.append((array.reshape(wanted), "flat, HWC"))
    return candidates or _by_channels(array)


def _by_channels(array: Array) -> list[tuple[Array, str]]:
    """A feature map of another size or depth than it should have, told by the axis that can be VGG-19's channels."""
    batch = array.ndim == 4 and array.shape[0] == 1
    feature, prefix = (array[0], "N") if batch else (array, "")
    if feature.ndim != 3:
        return []
    first, last = feature.shape[0] in _CHANNELS, feature.shape[-1] in _CHANNELS
    if first == last:
        return []
    return [(np.moveaxis(feature, 0, -1), f"{prefix}CHW") if first else (feature, f"{prefix}HWC")]


def _as_image(array: Array, wanted: tuple[int, ...], prefix: str) -> list[tuple[Array, str]]:
    candidates = []
    if array.shape == wanted:
        candidates.append((array, _name(prefix, wanted, "HWC")))
    if len(wanted) >= 3 and array.shape == (*wanted[:-3], wanted[-1], *wanted[-3:-1]):
        candidates.append((np.moveaxis(array, -3, -1), _name(prefix, wanted, "CHW")))
    return candidates


def _name(prefix: str, wanted: tuple[int, ...], order: str) -> str:
    stacked = "N" * (len(wanted) - 3)
    return f"{prefix}{stacked}{order}" if len(wanted) >= 3 else "matrix" if len(wanted) == 2 else "vector"


def _wanted(name: str, array: Array, case: Case) -> tuple[int, ...] | None:
    """The shape that a tensor should have, as far as that is known before it is looked at."""
    parsed = TensorName.parse(name)
    if parsed.stage == "file":
        picture = case.content if parsed.role == "content" else case.style
        return picture.decoded.shape
    return shape_of(name, array, case, RIGHT)
