"""Which filter a picture was resized by, and in which numbers; or the nearest, where none gives it exactly."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference
from common.images import to_bytes
from common.oracle import FILTERS, PILLOWS, Picture, described, resample, resized_by_pillow, weighted, weights
from common.tensors import Array, TensorName

_TIE = 0.01  # within this part of an 8-bit step of a half, or of a whole, a library may round to either side
_ALIKE = 0.15  # relative difference of what two filters make of a picture, at most
_NEAR, _MOST_STEPS = 0.5, 2.0
_GAPS = (2.0, 3.0)
_LINEAR = "bilinear, not antialiased"
_OPENCVS = {  # with the bits to which the weights are rounded
    _LINEAR: ("OpenCV's INTER_LINEAR_EXACT", 8),
    "lanczos of 8 samples, not antialiased": ("OpenCV's INTER_LANCZOS4 and MXNet's interp=4", 11),
}

_Named = tuple[str, str, Array]  # a filter, it and its numbers in words, and the resized picture


@dataclass(frozen=True, eq=False)
class _Framing:
    """A part of a picture, the size that it is resized to, and the first row and column of what is kept then."""

    words: str
    part: Array
    height_px: int
    width_px: int
    top: int = 0
    left: int = 0

    def kept(self, resized: Array, got: Array) -> Array:
        """What is kept of the resized picture; all values, where the sides are exchanged."""
        if resized.shape == (*got.shape[1::-1], 3):
            return resized.reshape(got.shape)
        return resized[self.top : self.top + got.shape[0], self.left : self.left + got.shape[1]]


def resized_otherwise(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The filters that give a resized picture, or the nearest where it is near; at most one clue."""
    run = judge.own
    if TensorName.parse(name).stage != "resize" or got.shape != run.expected(name).shape:
        return
    role = TensorName.parse(name).role
    decoded, picture = np.asarray(run.value(f"{role}/decoded"), np.float64), getattr(run.case, role)
    if decoded.shape[:2] == got.shape[:2]:
        return
    tried: list[tuple[float, str]] = []
    for framing in (*_exchanged(decoded, got), *_framings(decoded, *got.shape[:2])):
        exact: dict[str, tuple[float, str]] = {}  # by filter
        for of, how, values in _resized(framing, got, picture):
            if (left := difference(got, values).relative) <= judge.tolerance(name):
                exact.setdefault(of, (left, how))
            tried.append((_steps(got, values), f"{how}{framing.words}"))
        if exact:
            left, _ = max(exact.values())
            hows = tuple(how for _, how in exact.values())
            yield Clue("resized", {"how": hows, "framing": framing.words, "left": left})
            return
    steps, nearest = min(tried)
    if steps <= min(_MOST_STEPS, _NEAR * _steps(got, run.expected(name))):
        yield Clue("resized about", {"how": nearest, "steps": steps})


def _steps(got: Array, values: Array) -> float:
    return 255 * float(np.mean(np.abs(got - values)))


def _exchanged(decoded: Array, got: Array) -> Iterator[_Framing]:
    """The whole picture with its sides exchanged, if one filter comes near it."""
    height_px, width_px = got.shape[:2]
    nearly = resample(decoded, width_px, height_px, "lanczos").reshape(got.shape)
    if height_px != width_px and difference(got, nearly).relative < _ALIKE:
        words = ", to (width, height) in the place of (height, width), and reshaped"
        yield _Framing(words, decoded, width_px, height_px)


def _framings(decoded: Array, height_px: int, width_px: int) -> Iterator[_Framing]:
    """The whole picture; its middle of the right aspect; and the middle of the picture at the right width or height."""
    yield _Framing("", decoded, height_px, width_px)
    height, width = decoded.shape[:2]
    inner = min(height, width * height_px // width_px), min(width, height * width_px // height_px)
    if inner == (height, width):
        return
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    middle = decoded[top : top + inner[0], left : left + inner[1]]
    yield _Framing(", of the picture's middle alone", middle, height_px, width_px)
    outer = max(height_px, height * width_px // width), max(width_px, width * height_px // height)
    top, left = round((outer[0] - height_px) / 2), round((outer[1] - width_px) / 2)
    yield _Framing(", to a size from which the middle is cut out", decoded, *outer, top, left)


def _resized(framing: _Framing, got: Array, picture: Picture) -> Iterator[_Named]:
    """What every filter makes of a framing, in every kind of numbers."""
    size = framing.height_px, framing.width_px
    levels = to_bytes(framing.part)
    for name in FILTERS:
        floats = framing.kept(resample(framing.part, *size, name), got)
        clipped, of = np.clip(floats, 0, 1), described(name)
        yield name, f"{of}, in floats", clipped
        yield name, f"{of}, in floats that are not clipped to 0..1", floats
        yield name, f"{of}, rounded to 8 bits", _whole_steps(clipped, 0.5, got)
        yield name, f"{of}, truncated to 8 bits", _whole_steps(clipped, 0, got)
        for how, values in _in_8_bits(levels, *size, name):
            yield name, how, framing.kept(values, got)
    if not framing.words and picture.path is not None:
        yield from _shrunk_as_decoded(picture.path, *size)


def _whole_steps(clipped: Array, added: float, got: Array) -> Array:
    """Values in 255 steps, rounded or truncated; a tie goes where the port has rounded it to."""
    low, high = (np.floor(255 * clipped + added + tie) / 255 for tie in (-_TIE, _TIE))
    return np.where(np.abs(got - low) <= np.abs(got - high), low, high)


def _in_8_bits(levels: Array, height_px: int, width_px: int, name: str) -> Iterator[tuple[str, Array]]:
    """The arithmetics that libraries have for 8-bit pictures."""
    if name in PILLOWS:
        of = f"Pillow's {name.upper()}"
        yield f"{of}, in 8 bits", resized_by_pillow(levels, height_px, width_px, name)
        for gap in _GAPS:
            values = resized_by_pillow(levels, height_px, width_px, name, gap)
            yield f"{of} with reducing_gap={gap:g}, in 8 bits", values
    rows, columns = weights(name, levels.shape[0], height_px), weights(name, levels.shape[1], width_px)
    how = f"{name}, rounded to 8 bits after each pass (so do Pillow and PyTorch with 8-bit pictures)"
    yield how, _rounded(weighted(_rounded(weighted(levels, columns, 1)), rows, 0)) / 255
    if name == _LINEAR:
        yield "OpenCV's INTER_LINEAR and MXNet's interp=1, in 8 bits", _opencvs_linear(levels, rows, columns)
    if name in _OPENCVS:
        function, bits = _OPENCVS[name]
        rows, columns = (np.rint(each * 2**bits) / 2**bits for each in (rows, columns))
        yield f"{function}, in 8 bits", _rounded(weighted(weighted(levels, columns, 1), rows, 0)) / 255


def _opencvs_linear(levels: Array, rows: Array, columns: Array) -> Array:
    """Weights of 11 bits; the vertical pass drops 4 bits of what it multiplies and 16 of each product."""
    rows, columns = (np.rint(each * 2048) for each in (rows, columns))
    across = np.floor(weighted(levels, columns, 1) / 16)
    quarters = np.zeros((len(rows), *across.shape[1:]))
    for row, at in zip(*np.nonzero(rows), strict=True):
        quarters[row] += np.floor(rows[row, at] * across[at] / 65536)
    return np.asarray(np.floor((quarters + 2) / 4) / 255)


def _rounded(levels: Array) -> Array:
    return np.asarray(np.clip(np.floor(levels + 0.5), 0, 255))


def _shrunk_as_decoded(path: Path, height_px: int, width_px: int) -> Iterator[_Named]:
    """Pillow's resizing of a JPEG that was decoded at a smaller size, and its thumbnail, which does that too."""
    size = width_px, height_px
    with Pillow.open(path) as file:
        drafted = file.draft("RGB", size) is not None
        for name, filter_ in PILLOWS.items() if drafted else ():
            yield (
                f"{name} of a draft",
                f"Pillow's {name.upper()} after draft(), in 8 bits",
                _rgb(file.resize(size, filter_)),
            )
    for name in ("bicubic", "lanczos"):
        with Pillow.open(path) as file:
            file.thumbnail(size, PILLOWS[name])
            if file.size == size:
                yield f"{name} of a draft", f"Pillow's thumbnail by {name.upper()}, in 8 bits", _rgb(file)


def _rgb(file: Pillow.Image) -> Array:
    return np.asarray(file.convert("RGB"), np.float64) / 255
