"""What is shown on stderr while a comparison runs: one live line for each stage, in a terminal and in a log."""

import math
import time

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column

from common.errors import printable, say
from common.terminal import console

_DRAW_EVERY_S, _LOG_EVERY_S = 0.5, 10.0


class Progress:
    """The stages one after the other, each with what is being done, how much is done, and the seconds so far.

    A log gets what is said first in a stage, and after that every detail of a stage that cannot be counted, or a line
    every ten seconds of one that can.
    """

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        out = console(stderr=True)
        self._watched = out.is_terminal
        # Drawn between the measurements and not by a thread of its own, which would take a core from them.
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(16),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=out,
            auto_refresh=False,
            disable=not self._watched,
            expand=True,
        )
        self._shown_s = -math.inf

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_stage()
        self._bars.stop()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage, which has `total` steps if they can be counted; the stage before is done."""
        self._end_stage()
        self._bars.add_task(name, total=total, detail="")
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

    def warn(self, text: str) -> None:
        """Say what went wrong, in a line that stays."""
        if self._watched:
            self._bars.console.print(printable(text), style="yellow", highlight=False)
        else:
            self._log(text)

    def _end_stage(self) -> None:
        if self._bars.tasks:
            task = self._bars.tasks[-1]
            self._bars.update(task.id, total=task.total or 1, completed=task.completed or 1, detail="")
            self._bars.stop_task(task.id)

    def _show(self, at_once: bool) -> None:
        now_s, every_s = time.monotonic(), _DRAW_EVERY_S if self._watched else _LOG_EVERY_S
        if not at_once and now_s - self._shown_s < every_s:
            return
        self._shown_s = now_s
        if self._watched:
            self._bars.refresh()
        else:
            task = self._bars.tasks[-1]
            count = "" if task.total is None else f" ({task.completed:.0f} of {task.total:.0f})"
            self._log(f"{task.description}: {task.fields['detail']}{count}")

    def _log(self, text: str) -> None:
        say(f"[{time.monotonic() - self._start_s:5.0f} s] {text}")
