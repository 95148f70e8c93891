"""What is shown while a comparison runs: a live table in a terminal, lines in a log."""

import sys
import time
from collections.abc import Iterable
from types import TracebackType

from rich import progress as bars
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

_DRAW_EVERY_S = 0.5


class Progress:
    """The state of every row, the progress of the whole and the time that is left, on stderr.

    Where nobody watches, every state is a line of its own.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._states = dict.fromkeys(names, ("waiting", ""))
        self._start_s = time.monotonic()
        self._console = Console(stderr=True)
        self._bar = bars.Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            speed_estimate_period=120,
        )
        self._task = self._bar.add_task("starting", total=None)
        # Drawn between the measurements and not by a thread of its own, which would take a core from them.
        self._live = Live(console=self._console, auto_refresh=False, transient=True, get_renderable=self._render)
        self._drawn_s = 0.0

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def expect(self, evaluations: int) -> None:
        """So many evaluations are to come."""
        self._bar.update(self._task, total=evaluations)

    def say(self, text: str) -> None:
        """Say what is being done."""
        self._bar.update(self._task, description=text)
        self._live.refresh()
        if not self._console.is_terminal:
            print(f"[{time.monotonic() - self._start_s:5.0f} s] {text}", file=sys.stderr, flush=True)

    def state(self, name: str, state: str, median_s: float | None = None) -> None:
        """Say what a row is at, and its median so far."""
        before, shown = self._states[name]
        self._states[name] = (state, shown if median_s is None else f"{median_s:.4g} s")
        if state != before:
            self.say(f"{name}: {state}")

    def advance(self, evaluations: int = 1) -> None:
        """So many evaluations are done, or will not be."""
        self._bar.advance(self._task, evaluations)
        if time.monotonic() - self._drawn_s > _DRAW_EVERY_S:
            self._drawn_s = time.monotonic()
            self._live.refresh()

    def _render(self) -> Group:
        table = Table(box=None, pad_edge=False)
        for heading in ("row", "state", "evaluation, median"):
            table.add_column(heading, no_wrap=True)
        for name, (state, median) in self._states.items():
            table.add_row(escape(name), escape(state), median)
        return Group(table, self._bar)
