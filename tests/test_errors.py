"""What ends a program early: the exit code, and one line on stderr."""

import os
import signal
import subprocess
import sys

import pytest

from common import RosettaError
from common.errors import did_you_mean, exit_code


def ended_by(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (RosettaError("there is no picture"), 2, "compare.py: there is no picture"),
        (MemoryError("Unable to allocate 3 GiB"), 2, "compare.py: out of memory: choose a smaller --size"),
        (KeyboardInterrupt(), 130, "compare.py: interrupted"),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, BaseException) else None,
)
def test_what_a_user_or_the_machine_ends_is_one_line(error, code, line, capsys):
    assert exit_code("compare.py", ended_by(error)) == code
    assert capsys.readouterr() == ("", f"{line}\n")


@pytest.mark.parametrize("code", [0, 1])
def test_what_a_program_returns_is_its_exit_code(code):
    assert exit_code("compare.py", lambda: code) == code


def test_a_mistake_of_ours_is_a_traceback():
    with pytest.raises(ZeroDivisionError):
        exit_code("compare.py", ended_by(ZeroDivisionError()))


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


def test_what_could_not_be_printed_is_no_success():
    command = f"{sys.executable} -c 'from common.errors import leave; print(1); leave(0)' >/dev/full"
    assert ended(command) == (2, "")
