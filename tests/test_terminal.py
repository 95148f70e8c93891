"""Progress on stderr: every state of a short run, and few lines of a long one, in a log; and names as they stand."""

import pytest

from common import terminal
from common.terminal import ProgressBar, console, fitted, plain_table


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test can let pass."""
    now = [100.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_a_log_has_the_start_the_end_and_what_was_done(capsys, clock):
    with ProgressBar(3, "importing [torch]", "eval") as bar:
        bar.describe("[torch] d2l")
        for number in range(3):
            bar.advance(note=f"total {number}")
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("importing [torch]: 0/3 eval, ")
    assert last.startswith("[torch] d2l: 3/3 eval, ")
    assert last.endswith("s  total 2")


def test_a_log_gets_a_line_every_five_seconds_at_most(capsys, clock):
    with ProgressBar(100, "work", "eval") as bar:
        for _ in range(100):
            clock(0.26)  # 26 seconds in all
            bar.advance()
    counts = [line.split()[1] for line in capsys.readouterr().err.splitlines()]
    assert counts == ["0/100", "20/100", "40/100", "60/100", "80/100", "100/100", "100/100"]
    assert not capsys.readouterr().out


@pytest.mark.parametrize(("columns", "notes"), [(120, True), (80, False)])
def test_a_terminal_has_one_bar_and_notes_where_there_is_room(capsys, monkeypatch, columns, notes):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    with ProgressBar(2, "work", "eval") as bar:
        bar.advance(2, note="total 7")
    shown = capsys.readouterr().err
    assert ("total 7" in shown) is notes
    assert "2/2" in shown
    assert "work: " not in shown, "no line of a log"


@pytest.mark.parametrize("watched", [False, True])
def test_names_are_printed_as_they_stand(capsys, monkeypatch, watched):
    """Neither markup nor what commands a terminal is obeyed, in texts, titles, headings and cells."""
    if watched:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
    out = console()
    table = plain_table("title [bold]:smile: \x1b[41m", "first [red]", "second\nline \x1b[42m", "third")
    table.add_row("cell [/] \x1b[43m", "[blue]", "\x9b44m")
    out.print(fitted(table, out, "third"))
    out.print("text [i]\x07\x1b]0;title\x07", highlight=False)
    shown = capsys.readouterr().out
    for text in (
        "title [bold]:smile: \\x1b[41m",
        "first [red]",
        "second",
        "line \\x1b[42m",
        "cell [/] \\x1b[43m",
        "[blue]",
    ):
        assert text in shown
    assert "text [i]\\x07\\x1b]0;title\\x07" in shown
    assert "\\x9b44m" in shown
    for hostile in ("\x1b[41m", "\x1b[42m", "\x1b[43m", "\x9b", "\x07", "\x1b]"):
        assert hostile not in shown
