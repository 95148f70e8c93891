"""Which layout a port's tensor has: it is recognised from its shape, said, and never changed in silence."""

from math import prod

import numpy as np

from common.doctor.diagnosis import difference
from common.oracle import RIGHT, Case, Run, Shape, shape_of
from common.tensors import Array, Arrays, TensorName
from common.vgg19 import LAYERS

_CHANNELS = {layer.out_channels for layer in LAYERS}


def recognise(case: Case, given: Arrays) -> tuple[Arrays, dict[str, str]]:
    """Bring every tensor into (H, W, C) without a batch, and say by name how it was found.

    Where two layouts have one shape, the nearer one is taken.
    """
    run = Run(case)
    found = {name: _recognised(name, np.asarray(array), run) for name, array in given.items()}
    return {name: array for name, (array, _) in found.items()}, {name: layout for name, (_, layout) in found.items()}


def _recognised(name: str, array: Array, run: Run) -> tuple[Array, str]:
    if array.dtype == np.uint8 and TensorName.parse(name).stage in ("file", "resize"):
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
    """The array in every way that has the shape it should have, as far as that is known before it is looked at."""
    parsed = TensorName.parse(name)
    is_file = parsed.stage == "file"
    wanted = getattr(case, parsed.role).decoded.shape if is_file else shape_of(name, array, case, RIGHT)
    if not wanted:
        return [(array.reshape(()), "scalar")] if array.size == 1 else []
    candidates = _as_image(array, wanted, "")
    if array.ndim > 1 and array.shape[0] == 1:
        candidates += _as_image(array[0], wanted, "N")
    if array.ndim == len(wanted) + 1 == 5 and array.shape[1] == 1:  # a batch of one at each of several points
        candidates += _as_image(array[:, 0], wanted, "N")
    if array.ndim == len(wanted) - 2 and array.size == prod(wanted):
        candidates.append((array.reshape(wanted), "flat, HWC"))
    return candidates or _by_channels(array)


def _as_image(array: Array, wanted: Shape, prefix: str) -> list[tuple[Array, str]]:
    if len(wanted) < 3:
        return [(array, "matrix" if len(wanted) == 2 else "vector")] if array.shape == wanted else []
    *stacked, height, width, channels = wanted
    prefix += "N" * len(stacked)
    hwc = [(array, f"{prefix}HWC")] if array.shape == wanted else []
    is_chw = array.shape == (*stacked, channels, height, width)
    return [*hwc, (np.moveaxis(array, -3, -1), f"{prefix}CHW")] if is_chw else hwc


def _by_channels(array: Array) -> list[tuple[Array, str]]:
    """A feature map of another size or depth than it should have, told by the axis that can be VGG-19's channels."""
    batch = array.ndim == 4 and array.shape[0] == 1
    feature, prefix = (array[0], "N") if batch else (array, "")
    if feature.ndim != 3 or (feature.shape[0] in _CHANNELS) == (feature.shape[-1] in _CHANNELS):
        return []
    if feature.shape[0] in _CHANNELS:
        return [(np.moveaxis(feature, 0, -1), f"{prefix}CHW")]
    return [(feature, f"{prefix}HWC")]
