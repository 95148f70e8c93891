"""What is said while a comparison runs: the first line at once, and a line that lives for each stage."""

import io
import re

import pytest
from rich.console import Console

from common.comparison import progress as progress_module
from common.comparison.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until the test turns it."""

    class Clock:
        now_s = 0.0

        def monotonic(self):
            return self.now_s

    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


def test_a_log_has_every_detail_of_a_stage_without_a_count_and_else_a_line_every_ten_seconds(clock, capsys):
    with Progress() as progress:
        progress.stage("references")
        progress.say("importing PyTorch")
        clock.now_s = 1
        progress.say("PyTorch in float64")
        clock.now_s = 3
        progress.stage("measuring", 20)
        progress.say("torch eager")
        for second in range(4, 24):
            clock.now_s = second
            progress.advance()
    assert capsys.readouterr().err.splitlines() == [
        "[    0 s] references: importing PyTorch",
        "[    1 s] references: PyTorch in float64",
        "[    3 s] measuring: torch eager (0 of 20)",
        "[   13 s] measuring: torch eager (10 of 20)",
        "[   23 s] measuring: torch eager (20 of 20)",
    ]


def test_what_goes_wrong_is_said_at_once_and_stays(clock, capsys):
    with Progress() as progress:
        progress.stage("preparing")
        progress.say("torch eager")
        progress.warn("torch eager: died: the worker was ended by SIGKILL")
    assert "[    0 s] torch eager: died: the worker was ended by SIGKILL" in capsys.readouterr().err


def test_a_forecast_is_counted_down_and_never_below_nothing(clock, capsys):
    with Progress() as progress:
        progress.stage("measuring", 4)
        progress.expect(100)
        for clock.now_s in (0, 40, 95, 140):
            progress.advance()
    assert capsys.readouterr().err.splitlines() == [
        "[    0 s] measuring:  (1 of 4), about 2 min to go",
        "[   40 s] measuring:  (2 of 4), about 60 s to go",
        "[   95 s] measuring:  (3 of 4), about 10 s to go",
        "[  140 s] measuring:  (4 of 4)",
    ]


def test_what_is_printed_between_stays_and_a_new_line_begins_below(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress_module, "console", lambda **_: Console(file=screen, force_terminal=True, width=80))
    with Progress() as progress:
        progress.stage("references", 1)
        progress.say("importing")
        with progress.paused():
            before = screen.getvalue()
            screen.write("a table\n")
        progress.stage("measuring", 1)
        progress.say("torch")
    after = screen.getvalue().partition("a table\n")[2]
    assert before.endswith("\n\x1b[?25h"), "the line of the stages so far is ended, and the cursor is shown"
    assert "references" not in after
    up = [int(lines or 1) for lines in re.findall(r"\x1b\[(\d*)A", after)]
    assert not up, "one line lives, which is drawn without going up"
    assert "measuring" in after


@pytest.mark.parametrize("width", [80, 100])
def test_a_terminal_keeps_one_line_for_each_stage(monkeypatch, width):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width)
    monkeypatch.setattr(progress_module, "console", lambda **_: console)
    with Progress() as progress:
        for stage in ("references", "float32 256: measuring"):
            progress.stage(stage, 4)
            progress.say("a long name of a row that is measured by an interpreter of another environment " * 2)
            progress.advance(4)
        progress.warn("torch eager: died")
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    lines = [line for line in re.split(r"[\r\n]+", plain) if line.strip()]
    assert "torch eager: died" in plain
    assert [line[: line.index(" ━")].strip() for line in lines[-2:]] == ["references", "float32 256: measuring"]
    assert max(map(len, lines)) <= width
