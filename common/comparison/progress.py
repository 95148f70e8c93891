"""What is shown on stderr while a comparison runs: one live line for each stage, in a terminal and in a log."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column

from common.errors import printable, say
from common.terminal import console

_DRAW_EVERY_S, _LOG_EVERY_S = 0.5, 10.0


class Progress:
    """The stages one after the other, each with what is being done, how much is done, the seconds so far, and to go.

    A log gets what is said first in a stage, and after that every detail of a stage that cannot be counted, or a line
    every ten seconds of one that can.
    """

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._end_s = self._shown_s = -math.inf
        self._console = console(stderr=True)
        self._watched = self._console.is_terminal
        self._bars = self._new_bars()

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_stage()
        self._bars.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal to what is printed inside; the stages so far stay above, and a new one begins below."""
        self._end_stage()
        self._bars.stop()
        yield
        self._bars = self._new_bars()
        self._bars.start()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage, which has `total` steps if they can be counted; the stage before is done."""
        self._end_stage()
        self._bars.add_task(name, total=total, detail="", to_go="")
        self._shown_s = -math.inf

    def say(self, detail: str) -> None:
        """Say what is being done in the stage."""
        task = self._bars.tasks[-1]
        self._bars.update(task.id, detail=detail)
        self._show(at_once=self._watched or task.total is None)

    def advance(self, steps: int = 1) -> None:
        """Note that so many steps of the stage are done, or were missed."""
        self._bars.advance(self._bars.task_ids[-1], steps)
        self._show(at_once=False)

    def expect(self, seconds: float) -> None:
        """Say from now on how long everything still takes, by a forecast that is a moment old."""
        self._end_s = time.monotonic() + seconds

    def warn(self, text: str) -> None:
        """Say what went wrong, in a line that stays."""
        if self._watched:
            self._console.print(printable(text), style="yellow", highlight=False)
        else:
            self._log(text)

    def _end_stage(self) -> None:
        if self._bars.tasks:
            task = self._bars.tasks[-1]
            self._bars.update(task.id, total=task.total or 1, completed=task.completed or 1, detail="", to_go="")
            self._bars.stop_task(task.id)

    def _show(self, at_once: bool) -> None:
        now_s, every_s = time.monotonic(), _DRAW_EVERY_S if self._watched else _LOG_EVERY_S
        if not at_once and now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        task, to_go = self._bars.tasks[-1], time_to_go(self._end_s - now_s)
        if self._watched:
            self._bars.update(task.id, to_go=to_go)
            self._bars.refresh()
        else:
            count = "" if task.total is None else f" ({task.completed:.0f} of {task.total:.0f})"
            self._log(f"{task.description}: {task.fields['detail']}{count}{to_go and ', '}{to_go}")

    def _new_bars(self) -> Bars:
        # Drawn between the measurements and not by a thread of its own, which would take a core from them.
        return Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(16),
            TimeElapsedColumn(),
            TextColumn("{task.fields[to_go]}", markup=False, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=self._console,
            auto_refresh=False,
            disable=not self._watched,
            expand=True,
        )

    def _log(self, text: str) -> None:
        say(f"[{time.monotonic() - self._start_s:5.0f} s] {text}")


def time_to_go(seconds: float) -> str:
    """A forecast in words, no more exact than it is; empty when the time is over, or was never known."""
    if seconds <= 0:
        return ""
    if seconds <= 90:
        return f"about {10 * math.ceil(seconds / 10)} s to go"
    return f"about {math.ceil(seconds / 60)} min to go"
