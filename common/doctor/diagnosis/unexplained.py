"""What is known of a difference that no hypothesis explains: no guess, only clues that hold.

First whether the tensor is another one in its place: another tensor of the reference, that of the other picture, a
shorter sum. Then how it differs from what it should be.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from common.doctor.diagnosis.clues import Clue
from common.doctor.diagnosis.differences import difference
from common.oracle import Arithmetic, Run, rounded
from common.tensors import Array, TensorName, tensor_names

_IS = 1e-5
_MOST_LACKING = 2
_ALMOST = 1e-3
_MOSTLY = 0.9
_FORMATS: tuple[Arithmetic, ...] = ("bfloat16", "float16")
_COARSE_PX, _BORDER_PX = 8, 2
_FEW_CHANNELS = 4
_LEAST = 1e-300


def clues(name: str, got: Array, run: Run) -> tuple[Clue, ...]:
    """Everything that is known of a port's tensor beside what a run expects."""
    return (*mistaken_for(name, got, run), *facts(got, run.expected(name)))


def mistaken_for(name: str, got: Array, run: Run) -> Iterator[Clue]:
    """What a port's tensor is in the place of what it should be; at most one clue."""
    if name == "loss/total":
        yield from _shorter_sum(got, run)
    elif TensorName.parse(name).is_forward:
        fits = (clue for clue, expected in _in_its_place(name, got, run) if difference(got, expected).relative < _IS)
        yield from (clue for clue, _ in zip(fits, range(1), strict=False))


def _in_its_place(name: str, got: Array, run: Run) -> Iterator[tuple[Clue, Array]]:
    for tensor in tensor_names(run.case.problem):
        if tensor == name or not TensorName.parse(tensor).is_forward:
            continue
        if (expected := run.expected(tensor)).shape == got.shape:
            yield Clue("another tensor", {"tensor": tensor}), expected
    if TensorName.parse(name).kind in ("target/content", "target/style"):
        yield Clue("the other picture", {}), _of_the_other_picture(name, run).expected(name)


def _of_the_other_picture(name: str, run: Run) -> Run:
    """A run in which the content and the style picture are exchanged for a target."""
    case, problem = run.case, run.case.problem
    if TensorName.parse(name).role == "style":
        return Run(replace(case, problem=replace(problem, style=problem.content), style=case.content), run.variant)
    return Run(replace(case, problem=replace(problem, content=problem.style), content=case.style), run.variant)


def _shorter_sum(got: Array, run: Run) -> Iterator[Clue]:
    terms = {name: float(run.value(f"loss/{name}")) for name in run.terms}
    if got.size != 1:
        return
    for count in range(1, _MOST_LACKING + 1):
        for lacking in combinations(terms, count):
            rest = sum(value for name, value in terms.items() if name not in lacking)
            if abs(float(got.item()) - rest) < _IS * abs(rest):
                yield Clue("sum without", {"terms": lacking})
                return


def facts(got: Array, expected: Array) -> Iterator[Clue]:
    """How a tensor differs from what it should be."""
    if got.shape != expected.shape:
        yield Clue("shape", {"got": got.shape, "expected": expected.shape})
        return
    if not np.isfinite(got).all():
        yield Clue("not finite", {"count": int(np.count_nonzero(~np.isfinite(got))), "size": got.size})
        return
    ours, theirs = got.astype(np.float64), expected.astype(np.float64)
    if ours.size == 1:
        yield _factor(ours, theirs)
        return
    yield from _number_format(ours)
    yield _factor(ours, theirs)
    yield from _offset(ours, theirs)
    if ours.ndim == 3:
        yield from _of_a_map(ours, theirs)
    yield from _where_zero(ours, theirs)
    yield Clue("signs", {"part": float(np.mean(np.sign(ours) != np.sign(theirs)))})
    yield _spread(ours, theirs)


def _of_a_map(ours: Array, theirs: Array) -> Iterator[Clue]:
    yield from _affine_by_channel(ours, theirs)
    yield from _border(ours, theirs)
    yield from _orientation(ours, theirs)
    yield from _coarse_part(ours, theirs)


def _number_format(ours: Array) -> Iterator[Clue]:
    fitting = [name for name in _FORMATS if np.array_equal(rounded(ours, name), ours)]
    for name in fitting[:1]:
        yield Clue("number format", {"format": name})


def _factor(ours: Array, theirs: Array) -> Clue:
    square = float(np.sum(theirs**2))
    factor = float(np.sum(ours * theirs)) / square if square else 0.0
    left = _relative(ours, factor * theirs)
    return Clue("factor" if left < _ALMOST else "best factor", {"factor": factor, "left": left})


def _offset(ours: Array, theirs: Array) -> Iterator[Clue]:
    offset = float(np.mean(ours - theirs))
    if (left := _relative(ours, theirs + offset)) < _ALMOST:
        yield Clue("offset", {"offset": offset, "left": left})


def _affine_by_channel(ours: Array, theirs: Array) -> Iterator[Clue]:
    x, y = theirs.reshape(-1, theirs.shape[-1]), ours.reshape(-1, ours.shape[-1])
    centred = x - x.mean(axis=0)
    slope = (centred * y).sum(axis=0) / np.maximum((centred**2).sum(axis=0), _LEAST)
    if (left := _relative(y, centred * slope + y.mean(axis=0))) < _ALMOST:
        yield Clue("affine by channel", {"left": left, "factors": tuple(slope[:_FEW_CHANNELS].tolist())})


def _border(ours: Array, theirs: Array) -> Iterator[Clue]:
    squares, width = (ours - theirs) ** 2, _BORDER_PX
    inner = squares[width:-width, width:-width] if min(ours.shape[:2]) > 2 * width else squares
    if (part := 1 - _part(inner, squares)) > _MOSTLY:
        yield Clue("border", {"part": part, "positions": width})


def _orientation(ours: Array, theirs: Array) -> Iterator[Clue]:
    turns = {"mirrored": ours[:, ::-1], "flipped": ours[::-1], "reversed in its channels": ours[..., ::-1]}
    if ours.shape[0] == ours.shape[1]:
        turns["transposed"] = ours.transpose(1, 0, 2)
    if fitting := tuple(name for name, turned in turns.items() if _relative(turned, theirs) < _ALMOST):
        yield Clue("orientation", {"turned": fitting})


def _coarse_part(ours: Array, theirs: Array) -> Iterator[Clue]:
    if min(ours.shape[:2]) < _COARSE_PX:
        return
    power = np.abs(np.fft.fft2(ours - theirs, axes=(0, 1))) ** 2
    rows, columns = (np.abs(np.fft.fftfreq(side)) <= 1 / _COARSE_PX for side in ours.shape[:2])
    coarse = rows[:, None] & columns
    part, of_noise = _part(power[coarse], power), float(coarse.mean())
    yield Clue("coarse part", {"part": part, "positions": _COARSE_PX, "of_noise": of_noise})


def _where_zero(ours: Array, theirs: Array) -> Iterator[Clue]:
    squares = (ours - theirs) ** 2
    if (part := _part(squares[theirs == 0], squares)) > _MOSTLY:
        yield Clue("where zero", {"part": part})


def _spread(ours: Array, theirs: Array) -> Clue:
    squares = np.sort((ours - theirs).ravel() ** 2)[::-1]
    return Clue("spread", {"part": _part(squares[: max(1, squares.size // 100)], squares)})


def _part(some: Array, squares: Array) -> float:
    return float(some.sum()) / max(float(squares.sum()), _LEAST)


def _relative(ours: Array, theirs: Array) -> float:
    return float(np.linalg.norm(ours - theirs) / max(float(np.linalg.norm(ours)), _LEAST))
