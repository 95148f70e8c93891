"""Changes of a JSON file: every field, one at a time."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Path_ = tuple[str | int, ...]

# Wrong for a value of each type; what is right for one is not among them.
WRONG: dict[type, tuple[Any, ...]] = {
    str: (7, [], {"a": 1}, True),
    int: ("7", 1.5, [], True, {}),
    float: ("1.0", [1.0], True, {}),
    bool: ("true", 2, [], {}),
    list: ("a", 3, {"0": 1}, True),
    dict: ("a", 3, [], True),
}


def paths(value: Any, before: Path_ = (), longest: int = 2) -> Iterator[tuple[Path_, Any]]:
    """Every value within a value; of a list or of tensors by name, the first `longest`."""
    if isinstance(value, dict):
        children = list(value.items())[: longest if before[-1:] in (("tensors",), ("differences",)) else None]
    else:
        children = list(enumerate(value))[:longest] if isinstance(value, list) else []
    for key, child in children:
        yield (*before, key), child
        yield from paths(child, (*before, key), longest)


def parent(document: Any, path: Path_) -> tuple[Any, Any]:
    """A copy of a document, and the list or object in it that holds the value at `path`."""
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    return changed, inner


def with_value(document: Any, path: Path_, value: Any) -> Any:
    changed, inner = parent(document, path)
    inner[path[-1]] = value
    return changed


def without(document: Any, path: Path_) -> Any:
    changed, inner = parent(document, path)
    del inner[path[-1]]
    return changed


def dotted(path: Path_) -> str:
    return ".".join(map(str, path))


def wrong_types(document: Any) -> Iterator[tuple[str, Any]]:
    """Each field with a value of another type, in words and changed; null fields are left as they are."""
    for number, (path, value) in enumerate(paths(document)):
        if value is not None:
            choices = WRONG[type(value)]
            wrong = choices[number % len(choices)]
            yield f"{dotted(path)} is {json.dumps(wrong)}", with_value(document, path, wrong)


def dropped(document: Any) -> Iterator[tuple[str, Any]]:
    """Each field of an object left out."""
    for path, _ in paths(document):
        if isinstance(path[-1], str):
            yield f"{dotted(path)} is left out", without(document, path)


# Texts that are no JSON, or none that should be taken, whatever they are for.
TEXTS: dict[str, bytes] = {
    "is empty": b"",
    "is a line's end": b"\n",
    "is no JSON": b"{schema: 2}",
    "is null": b"null",
    "is a number": b"2",
    "is a text": b'"text"',
    "is a list": b"[]",
    "is an empty object": b"{}",
    "ends in the middle": b'{"schema": 2, "recipe": {"name": "d2',
    "has bytes that are no UTF-8": b'{"schema": "\xff\xfe"}',
    "is UTF-16": '{"schema": 2}'.encode("utf-16"),
    "begins with a byte order mark": b"\xef\xbb\xbf{}",
    "is 100000 lists deep": b"[" * 100_000,
    "is 100000 objects deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "has a number of 5000 digits": b'{"schema": ' + b"9" * 5000 + b"}",
    "has NaN": b'{"schema": NaN}',
    "has Infinity": b'{"schema": -Infinity}',
    "has a number that overflows": b'{"schema": 1e999}',
    "has a key twice": b'{"schema": 2, "schema": 2}',
    "has half a surrogate": b'{"schema": "\\ud800"}',
    "has a zero byte": b'{"schema": 2}\0',
    "has something behind its end": b"{} {}",
    "is a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
}


def doubled(text: str) -> bytes:
    """A document whose first key stands twice."""
    return ("{" + text.strip()[1:].split(",", 1)[0] + "," + text.strip()[1:]).encode()


def written(document: Any) -> bytes:
    return json.dumps(document).encode()


def file_in(folder: str, name: str, stock: Callable[[str, Path], None], content: bytes) -> Callable[[Path], None]:
    """A copy of a folder of the stock in which a file has another content."""

    def make(path: Path) -> None:
        stock(folder, path)
        (path / name).write_bytes(content)

    return make
