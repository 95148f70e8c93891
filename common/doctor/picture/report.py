"""An examined picture for the terminal, as Markdown, and as plain JSON values."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console

from common.doctor.picture.examine import Examination
from common.errors import printable
from common.terminal import plain_table

_HEADINGS = ("at the picture", "at the content", "at the reference's")
SCHEMA = 1


def print_examination(out: Console, title: str, examination: Examination) -> None:
    """The loss terms, then what is said of the picture, then what to hand over next."""
    out.print(printable(title), style="bold", highlight=False)
    table = plain_table("", "loss term", *_HEADINGS)
    for name, *values in _rows(examination):
        table.add_row(name, *values)
    out.print(table, "", sep="\n")
    for line in _lines(examination):
        out.print(line, highlight=False)


def picture_markdown(title: str, examination: Examination) -> str:
    """The same as Markdown."""
    rows = [f"| {' | '.join(row)} |" for row in _rows(examination)]
    table = [f"| loss term | {' | '.join(_HEADINGS)} |", f"|{'---|' * (1 + len(_HEADINGS))}", *rows]
    return "\n".join([f"## {title}", "", *table, "", *_lines(examination), ""])


def picture_json(title: str, examination: Examination) -> dict[str, Any]:
    """The same as plain JSON values."""
    return {
        "schema": SCHEMA,
        "title": title,
        "healthy": examination.healthy,
        "size_px": list(examination.size_px),
        "losses": {where: terms.by_name() for where, terms in examination.terms.items()},
        "remarks": [
            {"kind": remark.kind, "found": remark.found, "text": remark.text, "values": dict(remark.values)}
            for remark in examination.remarks
        ],
        "next": examination.next_step,
    }


def _rows(examination: Examination) -> Iterator[tuple[str, ...]]:
    by_name = [terms.by_name() for terms in examination.terms.values()]
    for name in by_name[0]:
        yield name, *(f"{values[name]:.4g}" for values in by_name)


def _lines(examination: Examination) -> Iterator[str]:
    """What is wrong, numbered, then what else is known."""
    found = [remark.text for remark in examination.remarks if remark.found]
    yield from (f"{number}. {text}" for number, text in enumerate(found, start=1))
    yield from (remark.text for remark in examination.remarks if not remark.found)
    if not found:
        yield "Nothing wrong was found."
    yield f"Next: {examination.next_step}."
