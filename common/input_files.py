"""Files that are read: ordinary ones, since reading a pipe or a device may never end, and JSON that has one meaning."""

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from common.errors import RosettaError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_MOST_JSON_BYTES, _MOST_DIGITS = 100_000_000, 300


def ordinary(path: str | os.PathLike[str]) -> Path:
    """The path of an ordinary file, or of a link to one, which can be opened without waiting.

    Raises RosettaError for a pipe, a socket, a device or a folder, and OSError or ValueError where nothing of that name
    can be.
    """
    mode = Path(path).stat().st_mode
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "no ordinary file")
        raise RosettaError(f"{str(path)!r} is {kind}: give the path of an ordinary file")
    return Path(path)


def is_ordinary(path: str | os.PathLike[str]) -> bool:
    """Whether there is an ordinary file at a path, whatever its name is."""
    try:
        return ordinary(path) is not None
    except (OSError, ValueError, RosettaError):
        return False


def read_json(path: str | os.PathLike[str]) -> Any:
    """The values in a JSON file.

    Raises RosettaError or OSError for what cannot be read, and ValueError for text that is no JSON, or has not one
    meaning: keys that stand twice, numbers that are not finite.
    """
    with open(ordinary(path), "rb") as file:
        text = file.read(_MOST_JSON_BYTES + 1)
    if len(text) > _MOST_JSON_BYTES:
        raise ValueError(f"it is larger than {_MOST_JSON_BYTES / 1e6:.0f} MB")
    return parse_json(text)


def parse_json(text: bytes) -> Any:
    """The values in a text; ValueError as for `read_json`."""
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_each_once,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in values if names.count(name) > 1)!r} stands twice")
    return values


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"the number {text[:20]} is not finite")
    return number
