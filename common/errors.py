"""The one exception that a user may see, and the exit codes of a program that may end in it."""

import os
import signal
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import NoReturn


class RosettaError(Exception):
    """Something the user gave cannot be used; the message is one line and names the way out."""


class DivergedError(RosettaError):
    """The loss of a run is not finite any more, or grows without bound."""


class TerminatedError(KeyboardInterrupt):
    """SIGTERM, which ends a program as Ctrl-C does, with an exit code of its own."""


class StoppedError(Exception):
    """A run was asked to stop by a signal, and has been saved."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


def one_line(error: BaseException) -> str:
    """The first line of an exception's message, or its type where it has none."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    quoted = len(line) > 1 and line[0] == line[-1] and line[0] in "'\""  # as a KeyError's name is
    return line[1:-1] if quoted else line


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is nearest to one that is refused, as ` (did you mean check?)`; empty where none is near."""
    by_small_letters = {it.lower(): it for it in known}
    nearest = get_close_matches(name.lower(), by_small_letters, 1)
    return f" (did you mean {by_small_letters[nearest[0]]}?)" if nearest else ""


def exit_code(program: str, run: Callable[[], int]) -> int:
    """What `run` returns, or the exit code and one line on stderr for what a user or the machine ended it by."""
    try:
        if callable(signal.getsignal(signal.SIGINT)):  # until here, an interrupt ended the program at once
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except RosettaError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print(f"{program}: out of memory: choose a smaller --size", file=sys.stderr)
        return 2
    except TerminatedError:
        print(f"{program}: terminated", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130


def leave(code: int) -> NoReturn:
    """End a program of a framework with an exit code, at once.

    The destructors of PyTorch's libraries would take a third of a second and 110 MB, only to free what ends anyway.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:  # nobody reads any more, or the disk is full
            code = code or 2
    os._exit(code)
