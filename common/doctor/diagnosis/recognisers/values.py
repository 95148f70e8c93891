"""What was done to a whole tensor: a factor of known sizes, a power, 8 bits, a range, a place moved by one."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from common.distances import best_factor, relative_l2
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.sizes import expression, sizes_at
from common.oracle import Run
from common.tensors import Array, TensorName, tensor_names

_CLOSE = 1e-4  # a factor that holds less closely is found by chance
_MOST_CLIPPED = 0.9
_FEWEST_CLIPPED = 1e-3
_OF_A_STEP, _FEWEST_LEVELS = 1e-2, 16
_FEW = 4
_FEWEST_ROWS = 2
_LEAST = 1e-300
_LITTLE = 0.1  # of the difference: what a change that explains it may leave
_PLACES = ("first", "second", "third")


def known_factor(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The factor of a tensor as a product of sizes that holds in every tensor of its kind; at most one clue."""
    run, tolerance = judge.own, min(judge.tolerance(name), _CLOSE)
    if TensorName.parse(name).kind in ("adam/pixels", "lbfgs/pixels"):  # which a step changes so little
        return  # that some factor is always near
    factors = list(_factors_of_its_kind(name, got, run, tolerance))
    own = next(((factor, left) for tensor, factor, left in factors if tensor == name), None)
    if own is None:
        return
    found = expression([(factor, sizes_at(run, tensor)) for tensor, factor, _ in factors], tolerance)
    found = found or expression([(own[0], sizes_at(run, name))], tolerance)
    values: dict[str, float] = {"factor": own[0], "left": own[1]}
    if found is not None:
        is_plain = found == f"{own[0]:.6g}"
        yield Clue("plain factor", values) if is_plain else Clue("known factor", {"expression": found, **values})


def _factors_of_its_kind(name: str, got: Array, run: Run, tolerance: float) -> Iterator[tuple[str, float, float]]:
    """The tensors of a kind that are what they should be times a factor, with that, and what is left."""
    for tensor in tensor_names(run.case.problem):
        if TensorName.parse(tensor).kind == TensorName.parse(name).kind and (tensor == name or tensor in run.given):
            array = got if tensor == name else np.asarray(run.given[tensor], np.float64)
            if array.shape != run.expected(tensor).shape:
                continue
            factor, left = best_factor(array, run.expected(tensor))
            if left <= tolerance and abs(factor - 1) > tolerance:
                yield tensor, factor, left


def changed_in_place(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """What was done to the values or their places; at most one clue.

    What follows from a wrong tensor before is no reference where only what is handed over is wrong.
    """
    for run in (judge.own, judge.reference):
        for clue in _changed(got, np.asarray(run.expected(name), np.float64), judge.tolerance(name)):
            yield clue
            return


def _changed(got: Array, expected: Array, tolerance: float) -> Iterator[Clue]:
    if got.ndim == 3 and expected.ndim == 3 and got.shape == expected.transpose(1, 0, 2).shape != expected.shape:
        if relative_l2(got.transpose(1, 0, 2), expected) <= tolerance:
            yield Clue("exchanged", {})
        return
    if got.shape != expected.shape or got.size < 2:
        return
    ours, norm = got.astype(np.float64), float(np.linalg.norm(got.astype(np.float64)))
    if norm == 0:
        yield Clue("all zero", {})
        return
    # What a change leaves has to be less than what it is to explain, too.
    left = min(tolerance * norm, _LITTLE * float(np.linalg.norm(ours - expected)))
    for clue, candidate in _candidates(ours, expected):
        if float(np.linalg.norm(ours - candidate)) <= left:
            yield clue
            return


def _candidates(ours: Array, expected: Array) -> Iterator[tuple[Clue, Array]]:
    yield from _powers(expected)
    yield from _clipped(ours, expected)
    yield from _quantised(expected)
    if ours.ndim == 3:
        if ours.shape[0] == ours.shape[1]:
            yield Clue("exchanged", {}), expected.transpose(1, 0, 2)
        yield from _turned(expected)
        yield from _moved(expected)
        yield from _reordered(expected)
    yield from _coarsened(ours, expected)
    if ours.shape[-1] == 3:
        for order in ((2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)):
            yield Clue("channels", {"order": ", ".join(_PLACES[at] for at in order)}), expected[..., list(order)]
    factor, left = best_factor(ours, expected)
    yield Clue("scaled", {"factor": factor, "left": left}), factor * expected if left < _CLOSE else expected
    if ours.ndim == 3:
        yield from _affine_by_channel(ours, expected)


def _powers(expected: Array) -> Iterator[tuple[Clue, Array]]:
    for of, power in {
        "the absolute value": np.abs(expected),
        "the positive part": np.maximum(expected, 0),
        "the negative": -expected,
        "the square": expected**2,
        "the square root of the absolute value": np.sqrt(np.abs(expected)),
    }.items():
        yield Clue("power", {"of": of}), power


def _clipped(ours: Array, expected: Array) -> Iterator[tuple[Clue, Array]]:
    low, high = float(ours.min()), float(ours.max())
    part = float(np.mean((expected < low) | (expected > high)))
    if _FEWEST_CLIPPED < part < _MOST_CLIPPED:
        yield Clue("clipped", {"low": low, "high": high, "part": part}), np.clip(expected, low, high)


def _quantised(expected: Array) -> Iterator[tuple[Clue, Array]]:
    for step, words in ((1.0, "integers"), (1 / 255, "multiples of 1/255, 8 bits")):
        for quantise, how in ((np.rint, "rounded"), (np.floor, "rounded down"), (np.trunc, "truncated")):
            yield Clue("quantised", {"how": how, "to": words}), step * quantise(expected / step)


def _turned(expected: Array) -> Iterator[tuple[Clue, Array]]:
    if min(expected.shape[:2]) <= _FEWEST_ROWS:  # of which a turn is a move, too
        return
    yield Clue("turned", {"how": "upside down"}), expected[::-1]
    yield Clue("turned", {"how": "with its left and right exchanged"}), expected[:, ::-1]
    yield Clue("turned", {"how": "turned by half a circle"}), expected[::-1, ::-1]


def _moved(expected: Array) -> Iterator[tuple[Clue, Array]]:
    for (axis, words), shift in product(enumerate(("rows", "columns")), (1, -1)):
        moved = np.roll(expected, shift, axis)
        yield Clue("moved", {"shift": f"{shift:+d}", "axis": words, "edge": "round the edge"}), moved
        emptied = moved.copy()
        np.moveaxis(emptied, axis, 0)[0 if shift > 0 else -1] = 0
        yield Clue("moved", {"shift": f"{shift:+d}", "axis": words, "edge": "with zeros at the edge"}), emptied


def _reordered(expected: Array) -> Iterator[tuple[Clue, Array]]:
    height, width, channels = expected.shape
    for order, values in {
        "(C, H, W) labelled (H, W, C)": expected.transpose(2, 0, 1).reshape(expected.shape),
        "(H, W, C) labelled (C, H, W)": expected.reshape(channels, height, width).transpose(1, 2, 0),
        "column-major, labelled row-major": expected.ravel(order="F").reshape(expected.shape),
    }.items():
        yield Clue("memory order", {"order": order}), values


def _affine_by_channel(ours: Array, expected: Array) -> Iterator[tuple[Clue, Array]]:
    """Each channel times a factor of its own, and plus a number where the factor alone does not do."""
    axes = (0, 1)
    told = np.linalg.norm(expected, axis=axes) > 0
    if told.sum() < 2 or expected[..., 0].size < _FEWEST_LEVELS:
        return
    factors = (ours * expected).sum(axis=axes) / np.maximum((expected**2).sum(axis=axes), _LEAST)
    if np.ptp(factors[told]) > _CLOSE * np.abs(factors[told]).max():
        yield _by_channel("", factors[told], ours, factors * expected), factors * expected
    mean = expected.mean(axis=axes)
    centred = expected - mean
    slopes = (centred * ours).sum(axis=axes) / np.maximum((centred**2).sum(axis=axes), _LEAST)
    candidate = centred * slopes + ours.mean(axis=axes)
    if np.ptp(slopes[told]) <= _CLOSE * np.abs(slopes[told]).max():  # another bias
        return
    yield _by_channel(" and plus a number", slopes[told], ours, candidate), candidate


def _by_channel(plus: str, factors: Array, ours: Array, candidate: Array) -> Clue:
    values = tuple(factors[:_FEW].tolist())
    return Clue("by channel", {"factors": values, "plus": plus, "left": relative_l2(candidate, ours)})


def _coarsened(ours: Array, expected: Array) -> Iterator[tuple[Clue, Array]]:
    """Fewer digits, or so many levels over a range: where all values are levels, and each the nearest."""
    for digits in range(2, 6):
        if _is_coarse(ours, expected, np.full(ours.shape, 10.0**-digits), 0.0):
            yield Clue("decimals", {"digits": digits, "what": "decimals"}), ours
        magnitudes = np.floor(np.log10(np.maximum(np.abs(ours), _LEAST)))
        if _is_coarse(ours, expected, 10.0 ** (magnitudes - digits + 1), 0.0):
            yield Clue("decimals", {"digits": digits, "what": "significant digits"}), ours
    low, high = float(ours.min()), float(ours.max())
    for count in (255, 256):
        if _is_coarse(ours, expected, np.full(ours.shape, max(high - low, _LEAST) / (count - 1)), low):
            yield Clue("levels", {"count": count, "low": low, "high": high}), ours


def _is_coarse(ours: Array, expected: Array, steps: Array, start: float) -> bool:
    """Whether all values are a whole number of steps from the start, and less than a step from what they should be."""
    numbers = (ours - start) / steps
    on_levels = np.abs(numbers - np.rint(numbers)).max() < _OF_A_STEP
    return bool(on_levels and (np.abs(ours - expected) <= 1.01 * steps).all() and np.unique(ours).size > _FEWEST_LEVELS)
