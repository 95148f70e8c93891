"""What is shown in a terminal: plain tables no wider than the terminal, and progress bars."""

import errno
import time
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from common.errors import printable, say

_WIDTH = 100
_WIDE = 110  # of a terminal, in which a bar has room for a note
_BAR_EVERY_S, _LINE_EVERY_S = 0.1, 5.0


class _Console(Console):
    """A console that takes every text as it stands: names in it may look like markup, or like a terminal's commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def on_broken_pipe(self) -> None:
        """Nobody reads any more: `exit_code` ends the program."""
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as it is printed, and as it is measured for a table; line breaks stay."""
        return super().render_str("\n".join(map(printable, text.split("\n"))), **options)


def console(stderr: bool = False) -> Console:
    """A console as wide as the terminal, or of a fixed width where there is none."""
    plain = _Console(stderr=stderr)
    return plain if plain.is_terminal else _Console(stderr=stderr, width=_WIDTH)


def plain_table(title: str, *headings: str) -> Table:
    """A table without lines, of which only the first column may be folded."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for heading in headings:
        first = not table.columns
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first, overflow="fold")
    return table


def fitted(table: Table, out: Console, *least: str) -> Table:
    """The same table without as many of its `least` important columns as do not fit into the terminal."""
    left_out = []
    for heading in least:
        if Measurement.get(out, out.options.update(width=10 * _WIDTH), table).maximum <= out.width:
            break
        # A new table numbers the columns anew, on which their padding depends.
        table.columns = Table(*(column for column in table.columns if column.header != heading)).columns
        left_out.append(heading.replace("\n", " "))
    if left_out:
        table.caption = f"(too narrow for: {', '.join(left_out)}; a wider terminal shows them)"
        table.caption_justify = "left"
    return table


class ProgressBar:
    """How many units of work are done, on stderr: a bar in a terminal, a line every few seconds in a log."""

    def __init__(self, total: int, description: str, unit: str) -> None:
        out = console(stderr=True)
        self._watched, self._unit = out.is_terminal, unit
        # Drawn by the caller's thread, which alone knows when stderr is redirected.
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            *([TextColumn("{task.fields[note]}", markup=False)] if out.width >= _WIDE else []),
            console=out,
            auto_refresh=False,
            disable=not self._watched,
        )
        self._task = self._bar.add_task(description, total=total, note="")
        self._shown_s = 0.0

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        self._show()
        return self

    def __exit__(self, *_: object) -> None:
        self._show()
        self._bar.stop()

    def describe(self, text: str) -> None:
        """Say what is being done."""
        self._bar.update(self._task, description=text)
        self._show_seldom()

    def advance(self, units: int = 1, note: str = "") -> None:
        """Add units of work that are done, with a note behind the bar."""
        self._bar.update(self._task, advance=units, note=note)
        self._show_seldom()

    def _show_seldom(self) -> None:
        if time.monotonic() - self._shown_s >= (_BAR_EVERY_S if self._watched else _LINE_EVERY_S):
            self._show()

    def _show(self) -> None:
        self._shown_s = time.monotonic()
        if self._watched:
            self._bar.refresh()
            return
        (task,) = self._bar.tasks
        line = f"{task.description}: {task.completed:.0f}/{task.total:.0f} {self._unit}, {task.elapsed or 0:.0f} s"
        with suppress(BrokenPipeError):  # who started the run may be gone, and the run goes on
            say(f"{line}  {task.fields['note']}".rstrip())
