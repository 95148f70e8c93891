"""What a Gram matrix, or a style target, is in the place of F^T F / M: each form in closed form from a feature map."""

from collections.abc import Iterator

import numpy as np

from common.distances import best_factor
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.sizes import expression, sizes_at
from common.oracle import Run, gram
from common.tensors import Array, TensorName
from common.vgg19 import cut, layer

_LEAST = 1e-30


def gram_of_another_kind(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The form of a Gram matrix, or the layer that it is of, with its factor; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    tap = TensorName.parse(name).tap
    if TensorName.parse(name).kind not in ("gram", "target/style") or got.ndim != 2:
        return
    sizes = sizes_at(run, name)
    for kind, values, candidate in _candidates(name, tap, run):
        if candidate.shape != got.shape:
            continue
        scale, left = best_factor(got, candidate)
        if left > tolerance:
            continue
        factor = "1" if abs(scale - 1) < tolerance else expression([(scale, sizes)], tolerance)
        if factor is not None:
            yield Clue(kind, {**values, "factor": factor, "left": left})
            return


def _candidates(name: str, tap: str, run: Run) -> Iterator[tuple[str, dict[str, str], Array]]:
    target = run.coefficients.style[tap].target_scale if name.startswith("target/") else 1.0
    feature = _feature(name, tap, run)
    for form, matrix in _forms(feature):
        yield "Gram form", {"form": form}, target * matrix
    for other in cut(run.taps):
        if other.out_channels == layer(tap).out_channels and other.name != tap:
            matrix = target * gram(_feature(name, other.name, run))
            yield "Gram of another layer", {"layer": other.name, "tap": tap}, matrix


def _feature(name: str, at: str, run: Run) -> Array:
    return np.asarray(run.layer_of_picture("style", at) if name.startswith("target/") else run.layer(at), np.float64)


def _forms(feature: Array) -> Iterator[tuple[str, Array]]:
    flat = feature.reshape(-1, feature.shape[-1])
    positions, channels = flat.shape
    whole = flat.T @ flat / positions
    centred = flat - flat.mean(axis=0)
    yield "the covariance: the mean of each channel is subtracted", centred.T @ centred / positions
    less_all = flat - flat.mean()
    yield "of the feature map less its mean over all channels", less_all.T @ less_all / positions
    each = flat - flat.mean(axis=1, keepdims=True)
    yield "of the feature map less its mean over the channels at each position", each.T @ each / positions
    norms = np.sqrt(np.maximum(np.diag(whole), _LEAST))
    yield "the cosine of channels: each channel is divided by its norm", whole / np.outer(norms, norms)
    yield "divided by its own norm", whole / max(float(np.linalg.norm(whole)), _LEAST)
    yield "divided by its largest value", whole / max(float(np.abs(whole).max()), _LEAST)
    rows = flat.reshape(channels, positions)
    yield "of a reshape where a transpose is meant: (H, W, C) read as (C, M)", rows @ rows.T / positions
    columns = np.ascontiguousarray(flat.T).reshape(positions, channels)
    yield "of a reshape where a transpose is meant: (C, H, W) read as (M, C)", columns.T @ columns / positions
    yield "the upper half alone", np.triu(whole)
    yield "the lower half alone", np.tril(whole)
    yield "without its diagonal", whole - np.diag(np.diag(whole))
    yield "the diagonal alone", np.diag(np.diag(whole))
    yield "of the absolute values of the feature map", np.abs(flat).T @ np.abs(flat) / positions
    yield "of the squares of the feature map", (flat**2).T @ (flat**2) / positions
    yield "of the positive part of the feature map", np.maximum(flat, 0).T @ np.maximum(flat, 0) / positions
    yield "the square root of what it should be", np.sign(whole) * np.sqrt(np.abs(whole))
    yield "the square of what it should be", whole**2
    shifted = feature[:, 1:].reshape(-1, channels).T @ feature[:, :-1].reshape(-1, channels)
    yield "of the feature map with itself moved by one position", shifted / positions
    across = feature.transpose(1, 0, 2).reshape(-1, channels)
    yield "of the feature map with its own transpose", flat.T @ across / positions
