"""Is a layer a convolution with another kernel? Found by least squares from what goes in and what comes out."""

import numpy as np

from common.distances import relative_l2
from common.doctor.diagnosis.clues import Clue
from common.oracle import Run
from common.tensors import Array, Arrays
from common.vgg19 import LAYERS

_FITS = 1e-4
_FEWEST_ROWS_EACH = 1.5
_UNRELATED = 0.5


def another_training(given: Arrays, run: Run, name: str) -> tuple[str, Clue] | None:
    """Detail and evidence when conv1_1 or relu1_1 comes from a kernel that is unrelated to the reference's."""
    if name not in ("features/conv1_1", "features/relu1_1"):
        return None
    got = given[name].astype(np.float64)
    ours = run.expected(name)
    if got.shape != ours.shape or not np.isfinite(got).all():
        return None
    patches = _patches(np.asarray(run.value("input"), np.float64))
    fitted, left = _fit(patches, got.reshape(-1, got.shape[-1]), positive=name.endswith("relu1_1"))
    if not left <= _FITS:
        return None
    right = _fit_of_reference(run)
    correlation = float(np.median([abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(fitted.T, right.T, strict=True)]))
    if not correlation <= _UNRELATED:
        return None
    evidence = Clue("other training", {"tensor": name, "left": left, "correlation": correlation})
    return "conv1_1 is a convolution with other kernels", evidence


def _fit_of_reference(run: Run) -> Array:
    kernel = run.case.problem.network.weights.kernels_hwio[LAYERS[0].name]
    return kernel.reshape(-1, kernel.shape[-1])


def _patches(x: Array) -> Array:
    """What a 3x3 kernel sees at every position, shape (M, 27), zeros outside."""
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    shifted = [padded[row : row + height, column : column + width] for row in range(3) for column in range(3)]
    return np.concatenate(shifted, axis=2).reshape(height * width, -1)


def _fit(patches: Array, outputs: Array, positive: bool) -> tuple[Array, float]:
    """Kernels (27, out) and the largest relative difference that is left; after a ReLU, from positive values alone."""
    design = np.column_stack([patches, np.ones(len(patches))])
    kernels, left = np.zeros((patches.shape[1], outputs.shape[1])), 0.0
    for channel, values in enumerate(outputs.T):
        used = values > 0 if positive else np.ones(len(values), bool)
        if used.sum() < _FEWEST_ROWS_EACH * design.shape[1]:
            continue
        solution, *_ = np.linalg.lstsq(design[used], values[used], rcond=None)
        kernels[:, channel] = solution[:-1]
        left = max(left, relative_l2(design[used] @ solution, values[used]))
    return kernels, left
