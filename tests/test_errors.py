"""What ends a program early: the exit code, and one line on stderr, whatever names it holds."""

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from common import RosettaError
from common.errors import did_you_mean, exit_code, one_line, printable, say, type_and_line


def ended_by(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (RosettaError("there is no picture"), 2, "compare.py: there is no picture"),
        (
            MemoryError("Unable to allocate 3 GiB"),
            2,
            "compare.py: out of memory: choose a smaller --size, or end other programs",
        ),
        (KeyboardInterrupt(), 130, "compare.py: interrupted"),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, BaseException) else None,
)
def test_what_a_user_or_the_machine_ends_is_one_line(error, code, line, capsys):
    assert exit_code("compare.py", ended_by(error)) == code
    assert capsys.readouterr() == ("", f"{line}\n")


PROGRAMS = {
    "recipes": "from common.cli.main import main; sys.exit(main(['recipes']))",
    "help": "from common.cli.main import main; sys.exit(main(['--help']))",
    "print": "from common.errors import exit_code; sys.exit(exit_code('compare.py', lambda: print('x') or 0))",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_full_disk_behind_stdout_is_one_line(program):
    command = [sys.executable, "-c", f"import sys; {PROGRAMS[program]}"]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}  # argparse hides the error where nothing waits to be written
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=buffered)
    said = "compare.py: cannot print (No space left on device): make room, or print elsewhere\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_reader_that_has_gone_ends_the_program_without_a_word():
    command = [sys.executable, "-c", f"import sys; {PROGRAMS['recipes']}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


def test_an_error_of_another_file_is_a_traceback():
    with pytest.raises(FileNotFoundError):
        exit_code("compare.py", lambda: Path("nowhere").stat().st_size)


@pytest.mark.parametrize("code", [0, 1])
def test_what_a_program_returns_is_its_exit_code(code):
    assert exit_code("compare.py", lambda: code) == code


def test_a_mistake_of_ours_is_a_traceback():
    with pytest.raises(ZeroDivisionError):
        exit_code("compare.py", ended_by(ZeroDivisionError()))


@pytest.mark.parametrize(
    ("error", "line", "with_type"),
    [
        (ValueError("first\nsecond"), "first", "ValueError: first"),
        (ValueError("\n"), "ValueError", "ValueError"),
        (ImportError("'alpha' needs 'beta'"), "'alpha' needs 'beta'", "ImportError: 'alpha' needs 'beta'"),
        (KeyError("image"), "image", "KeyError: image"),
        (KeyError("'odd'"), "'odd'", "KeyError: 'odd'"),
        (KeyError(), "KeyError", "KeyError"),
        (StopIteration(), "StopIteration", "StopIteration"),
    ],
    ids=repr,
)
def test_an_exception_is_its_first_line_or_its_type(error, line, with_type):
    assert (one_line(error), type_and_line(error)) == (line, with_type)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("a\u2028b\u202e", r"a\u2028b\u202e"),
        (os.fsdecode(b"bad\xff"), r"bad\udcff"),
        ("Tübingen, 日本, [red] \\n", "Tübingen, 日本, [red] \\n"),
        (RosettaError("a\nb"), r"a\nb"),
    ],
)
def test_what_is_shown_is_one_line_that_a_terminal_does_not_obey(text, shown, capsys):
    assert printable(text) == shown
    assert printable(shown) == shown
    shown.encode()  # which a surrogate would not let
    say(text)
    say(text, sys.stdout)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")


def test_the_middle_of_a_very_long_word_is_left_out(capsys):
    say(f"the size '{'9' * 5000}x5' is not one: give {'many short words ' * 50}")
    line = capsys.readouterr().err
    assert line.startswith("the size '999")
    assert "999..." in line
    assert "9x5' is not one: give many short words" in line
    assert len(line) < 1200


def test_warnings_are_notes_of_one_line_while_a_program_runs(capsys):
    def warned():
        warnings.simplefilter("default")
        warnings.warn("odd\nindeed \x1b", stacklevel=1)
        return 0

    before = warnings.showwarning
    assert exit_code("compare.py", warned) == 0
    assert capsys.readouterr() == ("", "note: odd\\nindeed \\x1b\n")
    assert warnings.showwarning is before


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("chekc", " (did you mean check?)"), ("CHECK", " (did you mean check?)"), ("", ""), ("picture.png", "")],
)
def test_a_name_that_is_nearly_right_is_said(name, nearest):
    assert did_you_mean(name, ["compare", "check"]) == nearest


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.default_int_handler])
def test_a_program_that_ignores_interrupts_goes_on_ignoring_them(handler):
    """As one does that a script has started in the background."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        assert exit_code("compare.py", lambda: 0) == 0
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, before)


def ended(command):
    """The exit code and stderr of a shell's command, whose Python writes what it prints when it ends."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=variables)
    return process.returncode, process.stderr


@pytest.mark.parametrize(("redirect", "code"), [("", 3), (">&-", 3), ("2>&-", 3), (">/dev/full", 3)])
def test_a_program_leaves_with_its_code_wherever_it_writes(redirect, code):
    command = f"{sys.executable} -c 'from common.errors import leave; print(1); leave(3)' {redirect}"
    assert ended(command) == (code, "")


def test_letters_that_the_terminal_does_not_have_are_escaped():
    code = "from common.errors import exit_code; exit(exit_code('', lambda: print('Tübingen') or 0))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, b"T\\xfcbingen\n", b"")


def test_what_could_not_be_printed_is_no_success():
    command = f"{sys.executable} -c 'from common.errors import leave; print(1); leave(0)' >/dev/full"
    assert ended(command) == (2, "")


def test_what_python_was_asked_to_do_at_its_end_is_done():
    """TensorFlow removes its temporary files then."""
    code = "import atexit; atexit.register(print, 2); from common.errors import leave; print(1); leave(0)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "1\n2\n"
