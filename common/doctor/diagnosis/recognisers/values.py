"""What was done to a whole tensor: a factor of known sizes, a power, 8 bits, a range, a place moved by one."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from common.distances import best_factor, relative_l2
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.sizes import expression, sizes_at
from common.tensors import Array, TensorName, tensor_names

_MOST_CLIPPED = 0.9
_FEWEST_CLIPPED = 1e-3


def known_factor(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The factor of a tensor as a product of sizes that holds in every tensor of its kind; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    kind, factors = TensorName.parse(name).kind, []
    for tensor in tensor_names(run.case.problem):
        if TensorName.parse(tensor).kind == kind and (tensor == name or tensor in run.given):
            array = got if tensor == name else np.asarray(run.given[tensor], np.float64)
            if array.shape != run.expected(tensor).shape:
                continue
            factor, left = best_factor(array, run.expected(tensor))
            if left <= tolerance and abs(factor - 1) > tolerance:
                factors.append((tensor, factor, left))
    own = next(((factor, left) for tensor, factor, left in factors if tensor == name), None)
    if own is None:
        return
    found = expression([(factor, sizes_at(run, tensor)) for tensor, factor, _ in factors], tolerance)
    found = found or expression([(own[0], sizes_at(run, name))], tolerance)
    if found is not None:
        yield Clue("known factor", {"expression": found, "factor": own[0], "left": own[1]})


def changed_in_place(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """A power, rounding to integers or to 8 bits, a range, or a move by one position; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    expected = np.asarray(run.expected(name), np.float64)
    if got.ndim == 3 and expected.ndim == 3 and got.shape == expected.transpose(1, 0, 2).shape != expected.shape:
        if relative_l2(got.transpose(1, 0, 2), expected) <= tolerance:
            yield Clue("exchanged", {})
        return
    if got.shape != expected.shape or got.size < 2:
        return
    ours, norm = got.astype(np.float64), float(np.linalg.norm(got))
    if norm == 0:
        yield Clue("all zero", {})
        return
    for clue, candidate in _candidates(ours, expected):
        if float(np.linalg.norm(ours - candidate)) <= tolerance * norm:
            yield clue
            return


def _candidates(ours: Array, expected: Array) -> Iterator[tuple[Clue, Array]]:
    for of, power in {
        "the absolute value": np.abs(expected),
        "the positive part": np.maximum(expected, 0),
        "the negative": -expected,
        "the square": expected**2,
        "the square root of the absolute value": np.sqrt(np.abs(expected)),
    }.items():
        yield Clue("power", {"of": of}), power
    low, high = float(ours.min()), float(ours.max())
    part = float(np.mean((expected < low) | (expected > high)))
    if _FEWEST_CLIPPED < part < _MOST_CLIPPED:
        yield Clue("clipped", {"low": low, "high": high, "part": part}), np.clip(expected, low, high)
    for step, words in ((1.0, "integers"), (1 / 255, "multiples of 1/255, 8 bits")):
        for quantise, how in ((np.rint, "rounded"), (np.floor, "rounded down"), (np.trunc, "truncated")):
            yield Clue("quantised", {"how": how, "to": words}), step * quantise(expected / step)
    if ours.ndim == 3:
        yield from _moved(expected)
    if ours.shape[-1] == 3:
        for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)):
            yield Clue("channels", {"order": "".join("RGB"[at] for at in order)}), expected[..., list(order)]


def _moved(expected: Array) -> Iterator[tuple[Clue, Array]]:
    for (axis, words), shift in product(enumerate(("rows", "columns")), (1, -1)):
        moved = np.roll(expected, shift, axis)
        yield Clue("moved", {"shift": shift, "axis": words, "edge": "round the edge"}), moved
        emptied = moved.copy()
        np.moveaxis(emptied, axis, 0)[0 if shift > 0 else -1] = 0
        yield Clue("moved", {"shift": shift, "axis": words, "edge": "with zeros at the edge"}), emptied
