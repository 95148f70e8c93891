"""Numbers and names as a reader wants them, as filters of the templates, and the templates' environment.

HTML escapes everything by itself, Markdown through the filter `markdown`; an unknown name raises.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = "–"  # noqa: RUF001  what was not measured
_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_MENTION = re.compile(r"([@#])(?=\w)")


def seconds(value: float, like: float | None = None) -> str:
    """A duration with its unit and 3 digits; with `like`, in its unit and with decimals for 4 digits of it."""
    factor, unit = _unit(like or value)
    return f"{value * factor:.{_decimals((like or value) * factor, 4 if like else 3)}f} {unit}"


def interval(ends: Sequence[float], like: float) -> str:
    """Two durations in the unit and with the decimals of a third, the unit said once."""
    low, high = (seconds(end, like) for end in ends)
    return f"{low.split()[0]} to {high}"


def _unit(value_s: float) -> tuple[float, str]:
    if abs(value_s) >= 1 or value_s == 0:
        return 1, "s"
    return (1e3, "ms") if abs(value_s) >= 1e-3 else (1e6, "µs")


def _decimals(value: float, digits: int) -> int:
    if not value or not math.isfinite(value):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def size_of(count: float) -> str:
    """A number of bytes in MiB, or in GiB from 10 of them on."""
    return f"{count / 2**30:.1f} GiB" if count >= 10 * 2**30 else f"{count / 2**20:.0f} MiB"


def giga(value: float) -> str:
    """A rate per second in units of 1e9, with 3 digits and without an exponent."""
    return f"{value / 1e9:.{_decimals(value / 1e9, 3)}f}"


def pairs(values: Mapping[str, Any]) -> str:
    """Free-form keys and values on one line; what is null is unknown, and is said to be."""
    return ", ".join(f"{key} {_value(value)}" for key, value in values.items()) or NOTHING


def _value(value: object) -> str:
    if value is None:
        return "unknown"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def plural(count: int, noun: str) -> str:
    """A count with its noun: 1 row, 2 rows."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def markdown(text: object) -> str:
    """Text that GitHub shows as it is: on one line, nothing of it markup, and nobody mentioned by it."""
    line = " ".join(str(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("\\1\u200b", _MARKUP.sub(r"\\\1", line))


def fenced(text: str) -> str:
    """Text as a block of code, fenced by more backticks than it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


_FORMS = (seconds, interval, size_of, giga, pairs, plural, markdown, fenced)
_FORMATS = {
    "percent": "{:.0%}",
    "small": "{:.1e}",  # a relative difference
    "tolerance": "{:.0e}",  # as it is written in `common/tolerances.py`
    "number": "{:.{}g}",  # with so many digits
    "pixels": "{0[0]}x{0[1]} px",  # height and width
    "moment": "{:%Y-%m-%d %H:%M UTC}",
}


def _or_nothing(form: Callable[..., str]) -> Callable[..., str]:
    def filtered(value: Any, *rest: Any, **named: Any) -> str:
        return NOTHING if value is None else form(value, *rest, **named)

    return filtered


def environment(templates: Path = TEMPLATES) -> Environment:
    """Where pages are made of a folder's templates, by default both reports."""
    made = Environment(
        loader=FileSystemLoader(templates),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({form.__name__: _or_nothing(form) for form in _FORMS})
    made.filters.update({name: _or_nothing(text.format) for name, text in _FORMATS.items()})
    made.globals.update(nothing=NOTHING)
    return made
