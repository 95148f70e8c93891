"""The rows that the options of the command line ask for."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, cast

from common.backend import BACKENDS
from common.comparison.agreement import ORACLE
from common.comparison.rows import Group, Row
from common.errors import RosettaError
from common.problem import PRECISIONS, Precision

_ROW = re.compile(r"(?P<name>[^=@]+)=(?P<backend>[^:@]+)(?::(?P<mode>[^@]+))?(?:@(?P<python>.+))?")
_THOROUGH_SIZES = "64,128"


def rows_from(options: argparse.Namespace) -> tuple[Row, ...]:
    """Every row that the options ask for, the groups one after the other; raise RosettaError for what is not there."""
    thorough = options.thorough
    backends = _chosen("backends", _given(options.backends, "all"), tuple(BACKENDS))
    modes = options.modes if options.modes is not None else ("all" if thorough else None)
    precisions = _chosen("precisions", _given(options.precisions, "all" if thorough else "float32"), PRECISIONS)
    sizes = _split(_given(options.sizes, _THOROUGH_SIZES if thorough else options.default_size))
    pythons = _interpreters(options.python)
    kinds = [*_kinds(backends, modes, pythons), *(_named(text, pythons) for text in options.row)]
    names = [kind["kind"] for kind in kinds]
    if twice := {name for name in names if names.count(name) > 1}:
        raise RosettaError(f"two rows are named {min(twice)!r}: give each --row a name of its own")
    groups = [Group(size, cast(Precision, precision)) for size in sizes for precision in precisions]
    return tuple(Row(**kind, group=group) for group in groups for kind in kinds)


def _kinds(backends: Sequence[str], modes: str | None, interpreters: dict[str, str]) -> list[dict[str, Any]]:
    known = tuple(dict.fromkeys(mode for entry in BACKENDS.values() for mode in entry.modes))
    wanted = None if modes is None else _chosen("modes", modes, known)
    kinds = [
        {
            "kind": f"{backend} {mode}",
            "label": f"{BACKENDS[backend].label} {mode}",
            "backend": backend,
            "mode": mode,
            "python": interpreters.get(backend),
        }
        for backend in backends
        for mode in BACKENDS[backend].modes
        if (mode in wanted if wanted is not None else mode == BACKENDS[backend].modes[0])
    ]
    if not kinds:
        raise RosettaError(f"no chosen backend has the mode {modes}: {_modes_there_are(backends)}")
    return kinds


def _named(text: str, interpreters: dict[str, str]) -> dict[str, Any]:
    found = _ROW.fullmatch(text)
    if not found:
        raise RosettaError(f"--row {text!r} is not NAME=BACKEND, NAME=BACKEND:MODE or NAME=BACKEND@/path/to/python")
    name, backend, mode, python = (found[part] for part in ("name", "backend", "mode", "python"))
    if name in (ORACLE, *BACKENDS):
        raise RosettaError(f"--row cannot be named {name!r}, which has a meaning in the tables: choose another")
    _check("backend", backend, tuple(BACKENDS))
    mode = mode or BACKENDS[backend].modes[0]
    _check("mode", mode, BACKENDS[backend].modes)
    label = f"{name} ({BACKENDS[backend].label} {mode})"
    return {
        "kind": name,
        "label": label,
        "backend": backend,
        "mode": mode,
        "python": python or interpreters.get(backend),
    }


def _interpreters(texts: Sequence[str]) -> dict[str, str]:
    interpreters: dict[str, str] = {}
    for text in texts:
        backend, _, python = text.partition("=")
        if not python:
            raise RosettaError(f"--python {text!r} is not BACKEND=/path/to/python")
        _check("backend", backend, tuple(BACKENDS))
        if backend in interpreters:
            raise RosettaError(
                f"--python names {backend} twice: add a row for the second by --row NAME={text.replace('=', '@')}"
            )
        interpreters[backend] = python
    return interpreters


def _given(text: str | None, default: str) -> str:
    return default if text is None else text


def _chosen(what: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    if text == "all":
        return tuple(known)
    for name in (names := _split(text)):
        _check(what.removesuffix("s"), name, known)
    return names


def _check(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise RosettaError(f"there is no {what} {name!r}: choose from {', '.join(known)}")


def _split(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise RosettaError(f"{text!r} names nothing: separate names by commas")
    return names


def _modes_there_are(backends: Sequence[str]) -> str:
    return "; ".join(f"{BACKENDS[name].label} has {', '.join(BACKENDS[name].modes)}" for name in backends)
