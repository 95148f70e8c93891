"""What is known of a difference that no hypothesis explains: no guess, only numbers."""

import numpy as np

from common.doctor.reference import Arithmetic, rounded
from common.tensors import Array

_ALMOST = 1e-3
_COARSE: tuple[Arithmetic, ...] = ("bfloat16", "float16")
_COARSE_PX = 8


def facts(got: Array, expected: Array) -> str:
    """What can be said of a tensor beside what it should be."""
    if got.shape != expected.shape:
        return f"its shape is {got.shape} and should be {expected.shape}"
    if not np.isfinite(got).all():
        return f"{np.count_nonzero(~np.isfinite(got))} of its {got.size} values are not finite"
    ours, theirs = got.astype(np.float64), expected.astype(np.float64)
    if ours.size == 1:
        return _factor(ours, theirs)
    found = [_coarse(ours), _factor(ours, theirs), _offset(ours, theirs)]
    if ours.ndim == 3:
        found += [_by_channel(ours, theirs), _border(ours, theirs), _turned(ours, theirs), _spectrum(ours, theirs)]
    found += [_where_zero(ours, theirs), _signs(ours, theirs), _spread(ours, theirs)]
    return "; ".join(filter(None, found))


def _coarse(ours: Array) -> str:
    fits = (name for name in _COARSE if np.array_equal(rounded(ours, name), ours))
    return next((f"all its values are such as {name} can hold" for name in fits), "")


def _factor(ours: Array, theirs: Array) -> str:
    square = float(np.sum(theirs**2))
    factor = float(np.sum(ours * theirs)) / square if square else 0.0
    rest = _relative(ours, factor * theirs)
    if rest < _ALMOST:
        return f"it is {factor:.6g} times what it should be, to {rest:.1e}"
    return f"the best factor is {factor:.4g}, which leaves {rest:.1e}"


def _offset(ours: Array, theirs: Array) -> str:
    shift = float(np.mean(ours - theirs))
    rest = _relative(ours, theirs + shift)
    return f"it is what it should be plus {shift:.6g}, to {rest:.1e}" if rest < _ALMOST else ""


def _by_channel(ours: Array, theirs: Array) -> str:
    x, y = theirs.reshape(-1, theirs.shape[-1]), ours.reshape(-1, ours.shape[-1])
    centred = x - x.mean(axis=0)
    slope = (centred * y).sum(axis=0) / np.maximum((centred**2).sum(axis=0), 1e-300)
    rest = _relative(y, centred * slope + y.mean(axis=0))
    if rest >= _ALMOST:
        return ""
    few = ", ".join(f"{value:.4g}" for value in slope[:4])
    return f"each channel is an affine function of what it should be, to {rest:.1e} (factors {few} ...)"


def _border(ours: Array, theirs: Array) -> str:
    squares = (ours - theirs) ** 2
    inner = float(squares[2:-2, 2:-2].sum()) if min(ours.shape[:2]) > 4 else float(squares.sum())
    part = 1 - inner / max(float(squares.sum()), 1e-300)
    return f"{part:.0%} of the squared difference lie within 2 positions of the border" if part > 0.9 else ""


def _turned(ours: Array, theirs: Array) -> str:
    turns = {"mirrored": ours[:, ::-1], "flipped": ours[::-1], "with its channels reversed": ours[..., ::-1]}
    if ours.shape[0] == ours.shape[1]:
        turns["transposed"] = ours.transpose(1, 0, 2)
    return "; ".join(f"it fits when {name}" for name, it in turns.items() if _relative(it, theirs) < _ALMOST)


def _spectrum(ours: Array, theirs: Array) -> str:
    if min(ours.shape[:2]) < _COARSE_PX:
        return ""
    power = np.abs(np.fft.fft2(ours - theirs, axes=(0, 1))) ** 2
    rows, columns = (np.abs(np.fft.fftfreq(side)) <= 1 / _COARSE_PX for side in ours.shape[:2])
    coarse = rows[:, None] & columns
    part = float(power[coarse].sum()) / max(float(power.sum()), 1e-300)
    return (
        f"{part:.0%} of the squared difference is coarser than {_COARSE_PX} positions "
        f"(of white noise it would be {coarse.mean():.0%})"
    )


def _where_zero(ours: Array, theirs: Array) -> str:
    squares = (ours - theirs) ** 2
    part = float(squares[theirs == 0].sum()) / max(float(squares.sum()), 1e-300)
    return f"{part:.0%} of the squared difference lie where it should be 0" if part > 0.9 else ""


def _signs(ours: Array, theirs: Array) -> str:
    other = float(np.mean(np.sign(ours) != np.sign(theirs)))
    return f"{other:.1%} of the signs differ"


def _spread(ours: Array, theirs: Array) -> str:
    off = np.abs(ours - theirs).ravel()
    total = float(np.sum(off**2))
    largest = np.sort(off)[::-1][: max(1, off.size // 100)]
    part = float(np.sum(largest**2)) / max(total, 1e-300)
    return f"the hundredth part that is furthest off holds {part:.0%} of the squared difference"


def _relative(ours: Array, theirs: Array) -> float:
    return float(np.linalg.norm(ours - theirs) / max(float(np.linalg.norm(ours)), 1e-300))
