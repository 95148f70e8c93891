"""What is known of a difference that no fault explains: no guess, only clues that hold.

How it differs from what it should be, and whether it comes from another training.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from common.distances import best_factor, relative_l2
from common.doctor.diagnosis.findings import Clue, Finding
from common.doctor.hypotheses import OTHER_TRAINING
from common.oracle import Arithmetic, Run, rounded
from common.tensors import Array

_IS = 1e-5
_MOST_LACKING = 2
_ALMOST = 1e-3
_MOSTLY = 0.9
_FORMATS: tuple[Arithmetic, ...] = ("bfloat16", "float16")
_COARSE_PX, _BORDER_PX = 8, 2
_FEW_CHANNELS = 4
_LEAST = 1e-300
_FITS = 1e-4
_AXES_OF_POINTS = 4
_FEWEST_ROWS_EACH = 1.5
_UNRELATED = 0.5


def facts(got: Array, expected: Array) -> Iterator[Clue]:
    """How a tensor differs from what it should be."""
    if got.shape != expected.shape:
        if got.ndim == _AXES_OF_POINTS and got.shape[1:] == expected.shape[1:]:
            yield _other_count(got, expected)
        else:
            yield Clue("shape", {"got": got.shape, "expected": expected.shape})
    elif not np.isfinite(got).all():
        yield Clue("not finite", {"count": int(np.count_nonzero(~np.isfinite(got))), "size": got.size})
    elif got.size == 1:
        yield _factor(got.astype(np.float64), expected.astype(np.float64))
    else:
        yield from _of_many(got.astype(np.float64), expected.astype(np.float64))


def _other_count(got: Array, expected: Array) -> Clue:
    """How many points there are, and the first of them whose way from the start is another one."""
    ways = ((ours - got[0], theirs - expected[0]) for ours, theirs in zip(got, expected, strict=False))
    first = next((at for at, (ours, theirs) in enumerate(ways) if relative_l2(ours, theirs) > _ALMOST), None)
    same = (
        "and the optimizer goes on after them" if first is None else f"and point {first + 1} is the first that differs"
    )
    return Clue("other count", {"got": len(got), "same": same})


def _of_many(ours: Array, theirs: Array) -> Iterator[Clue]:
    formats = (name for name in _FORMATS if np.array_equal(rounded(ours, name), ours))
    yield from (Clue("number format", {"format": name}) for name in islice(formats, 1))
    factor = _factor(ours, theirs)
    yield factor
    offset = float(np.mean(ours - theirs))
    if factor.kind == "best factor" and (left := relative_l2(theirs + offset, ours)) < _ALMOST:
        yield Clue("offset", {"offset": offset, "left": left})
    squares = (ours - theirs) ** 2
    if ours.ndim == 3:
        yield from _of_a_map(ours, theirs, squares)
    if (part := _part(squares[theirs == 0], squares)) > _MOSTLY:
        yield Clue("where zero", {"part": part})
    yield Clue("signs", {"part": float(np.mean(np.sign(ours) != np.sign(theirs)))})
    ordered = np.sort(squares.ravel())[::-1]
    yield Clue("spread", {"part": _part(ordered[: max(1, ordered.size // 100)], ordered)})


def _factor(ours: Array, theirs: Array) -> Clue:
    factor, left = best_factor(ours, theirs)
    return Clue("factor" if left < _ALMOST else "best factor", {"factor": factor, "left": left})


def _of_a_map(ours: Array, theirs: Array, squares: Array) -> Iterator[Clue]:
    yield from _affine_by_channel(ours, theirs)
    width = _BORDER_PX
    inner = squares[width:-width, width:-width] if min(ours.shape[:2]) > 2 * width else squares
    if (part := 1 - _part(inner, squares)) > _MOSTLY:
        yield Clue("border", {"part": part, "positions": width})
    turns = {"mirrored": ours[:, ::-1], "flipped": ours[::-1], "reversed in its channels": ours[..., ::-1]}
    if ours.shape[0] == ours.shape[1]:
        turns["transposed"] = ours.transpose(1, 0, 2)
    if fitting := tuple(name for name, turned in turns.items() if relative_l2(theirs, turned) < _ALMOST):
        yield Clue("orientation", {"turned": fitting})
    if min(ours.shape[:2]) >= _COARSE_PX:
        yield _coarse_part(ours - theirs)


def _affine_by_channel(ours: Array, theirs: Array) -> Iterator[Clue]:
    x, y = theirs.reshape(-1, theirs.shape[-1]), ours.reshape(-1, ours.shape[-1])
    centred = x - x.mean(axis=0)
    slope = (centred * y).sum(axis=0) / np.maximum((centred**2).sum(axis=0), _LEAST)
    if (left := relative_l2(centred * slope + y.mean(axis=0), y)) < _ALMOST:
        yield Clue("affine by channel", {"left": left, "factors": tuple(slope[:_FEW_CHANNELS].tolist())})


def _coarse_part(difference: Array) -> Clue:
    power = np.abs(np.fft.fft2(difference, axes=(0, 1))) ** 2
    rows, columns = (np.abs(np.fft.fftfreq(side)) <= 1 / _COARSE_PX for side in difference.shape[:2])
    coarse = rows[:, None] & columns
    part, of_noise = _part(power[coarse], power), float(coarse.mean())
    return Clue("coarse part", {"part": part, "positions": _COARSE_PX, "of_noise": of_noise})


def _part(some: Array, squares: Array) -> float:
    return float(some.sum()) / max(float(squares.sum()), _LEAST)


def another_training(name: str, got: Array, run: Run) -> Finding | None:
    """What is found when conv1_1 or relu1_1 comes from a kernel that is unrelated to the reference's."""
    expected = run.expected(name) if name in ("features/conv1_1", "features/relu1_1") else None
    if expected is None or got.shape != expected.shape or not np.isfinite(got).all():
        return None
    padded = np.pad(np.asarray(run.value("input"), np.float64), ((1, 1), (1, 1), (0, 0)))
    # What a 3x3 kernel sees at every position, shape (M, 27).
    patches = np.moveaxis(sliding_window_view(padded, (3, 3), axis=(0, 1)), 2, -1).reshape(-1, 27)
    outputs = got.astype(np.float64).reshape(-1, got.shape[-1])
    fitted, left = _fit(patches, outputs, positive=name.endswith("relu1_1"))
    if not left <= _FITS:
        return None
    right = run.case.problem.network.weights.kernels_hwio["conv1_1"].reshape(fitted.shape)
    correlation = float(np.median([abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(fitted.T, right.T, strict=True)]))
    if not correlation <= _UNRELATED:
        return None
    clue = Clue("other training", {"tensor": name, "left": left, "correlation": correlation})
    return Finding(OTHER_TRAINING, name, "conv1_1 is a convolution with other kernels", (clue,))


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
