"""The options that say which rows are measured, and what they come to."""

import argparse
import re
from collections.abc import Iterable, Sequence
from typing import Any

from common.backend import BACKENDS
from common.cli.options import count_from
from common.comparison import DEFAULT_SIZE, MODES, NamedRow
from common.errors import RosettaError
from common.problem import PRECISIONS

_ROW = re.compile(r"(?P<name>[^=@]+)=(?P<backend>[^:@]+)(?::(?P<mode>[^@]+))?(?:@(?P<python>.+))?")
_THOROUGH_SIZES = "64,128"


def add_row_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make the rows, each list separated by commas."""
    parser.add_argument("--backends", metavar="B,...", help=f"from {', '.join(BACKENDS)} (default: all)")
    modes = "; ".join(f"{name}: {', '.join(entry.modes)}" for name, entry in BACKENDS.items())
    parser.add_argument("--modes", metavar="M,...", help=f"all, or from {modes} (default: the first of each)")
    precisions = ", ".join(PRECISIONS)
    parser.add_argument(
        "--precisions", "--precision", metavar="P,...", help=f"all, or from {precisions} (default: float32)"
    )
    parser.add_argument(
        "--sizes", "--size", metavar="S,...", help="longest sides (128,256), or height x width, in pixels"
    )
    parser.add_argument("--python", action="append", default=[], metavar="B=PYTHON", help="interpreter of a backend")
    parser.add_argument(
        "--row",
        action="append",
        default=[],
        metavar="NAME=B[:MODE][@PYTHON]",
        help="one more row, such as another version",
    )
    parser.add_argument("--thorough", action="store_true", help="all modes and precisions, two sizes, more rounds")
    parser.add_argument(
        "--rounds", type=count_from, metavar="N", help="rounds in which the rows take turns (default: 10)"
    )
    parser.add_argument("--threads", type=count_from, metavar="N", help="of every process (default: the cores)")
    parser.set_defaults(default_size=DEFAULT_SIZE)


def rows_from(options: argparse.Namespace) -> dict[str, Any]:
    """What a request says of its rows; raise RosettaError for what is not understood."""
    thorough = options.thorough
    modes = options.modes if options.modes is not None or not thorough else "all"
    return {
        "backends": _names(options.backends, "all", BACKENDS),
        "modes": None if modes is None else _names(modes, "", MODES),
        "precisions": _names(options.precisions, "all" if thorough else "float32", PRECISIONS),
        "sizes": _names(options.sizes, _THOROUGH_SIZES if thorough else options.default_size, ()),
        "interpreters": _interpreters(options.python),
        "named_rows": tuple(_named_row(text) for text in options.row),
    }


def _names(text: str | None, default: str, every: Iterable[str]) -> tuple[str, ...]:
    """Names separated by commas, each once."""
    text = default if text is None else text
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise RosettaError(f"{text!r} names nothing: separate names by commas")
    return tuple(every) if names == ("all",) and every else names


def _named_row(text: str) -> NamedRow:
    parts = _ROW.fullmatch(text)
    if not parts:
        raise RosettaError(f"--row {text!r} is not NAME=BACKEND, NAME=BACKEND:MODE or NAME=BACKEND@/path/to/python")
    return NamedRow(parts["name"], parts["backend"], parts["mode"], parts["python"])


def _interpreters(texts: Sequence[str]) -> dict[str, str]:
    interpreters: dict[str, str] = {}
    for text in texts:
        backend, _, python = text.partition("=")
        if not python:
            raise RosettaError(f"--python {text!r} is not BACKEND=/path/to/python")
        if backend in interpreters:
            raise RosettaError(
                f"--python names {backend} twice: add a row for the second by --row NAME={text.replace('=', '@')}"
            )
        interpreters[backend] = python
    return interpreters
