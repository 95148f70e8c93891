"""What a user is told: the one exception that a user may see, lines on the terminal, and exit codes."""

import atexit
import errno
import io
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from typing import Any, NoReturn, TextIO

TAKE_LESS = "choose a smaller --size, or end other programs"
_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EIO)
# What frameworks, the libraries below them and the system's loader say of it where they have no type for it: oneDNN,
# which compiles its kernels, cannot "create a primitive", and its status 1 is out_of_memory.
_NO_MEMORY = re.compile(
    "(?i:allocate memory|not enough memory|out of memory)|bad_alloc|ALLOC_FAILED|could not create a primitive$"
    "|Status: 1, message|failed to map segment|ResourceExhausted|RESOURCE_EXHAUSTED"
)
_LONG_WORD = re.compile(r"(\S{150})\S{150,}(\S{50})")  # as a number of 5,000 digits; few paths are as long


class RosettaError(Exception):
    """Something the user gave cannot be used; the message is one line and names the way out."""


class OutOfMemoryError(RosettaError):
    """Something takes more memory than there is."""


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
    text = ""
    with suppress(Exception):  # a user's class may fail at this, too
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)  # a KeyError quotes its key
    return (text.splitlines() or [""])[0] or type(error).__name__


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception of Python, a framework, or a library below it says that an allocation failed."""
    text = type(error).__name__
    with suppress(Exception):  # a user's class may fail at this
        text += f": {error}"
    return isinstance(error, MemoryError) or bool(_NO_MEMORY.search(text))


@contextmanager
def memory_errors(device: str) -> Iterator[None]:
    """Raise OutOfMemoryError where the block runs out of memory on a device, whatever is raised in it then."""
    try:
        yield
    except (RosettaError, OSError, ValueError):  # of a file, or of an argument, whatever its words
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise OutOfMemoryError(f"out of memory on {device}: {TAKE_LESS}") from None
        raise


def type_and_line(error: BaseException) -> str:
    """An exception's type and the first line of its message, if it has any: `ValueError: out of order`."""
    kind, line = type(error).__name__, one_line(error)
    return kind if line == kind else f"{kind}: {line}"


def printable(text: object) -> str:
    r"""A text as one line that a terminal shows and does not obey: control characters are escaped, as `\n`, `\x1b`."""
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in str(text))


def say(text: object, stream: TextIO | None = None) -> None:
    """Print one line, to stderr by default, whatever names it holds; the middle of a very long word is left out."""
    print(_LONG_WORD.sub(r"\1...\2", printable(text)), file=stream or sys.stderr, flush=True)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The known name that is nearest to one that is refused, as ` (did you mean check?)`; empty where none is near."""
    by_small_letters = {it.lower(): it for it in known}
    nearest = get_close_matches(name.lower(), by_small_letters, 1)
    return f" (did you mean {by_small_letters[nearest[0]]}?)" if nearest else ""


def exit_code(program: str, run: Callable[[], int]) -> int:
    """What `run` returns, or the exit code and one line on stderr for what a user or the machine ended it by.

    Python's warnings are notes on stderr meanwhile, one line each.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for letters that the terminal's encoding does not have
    try:
        if callable(signal.getsignal(signal.SIGINT)):  # until here, an interrupt ended the program at once
            signal.signal(signal.SIGINT, signal.default_int_handler)
        with _warnings_as_notes(), _printed():
            return run()
    except RosettaError as error:
        say(f"{program}: {error}")
        return 2
    except MemoryError:
        say(f"{program}: out of memory: {TAKE_LESS}")
        return 2
    except TerminatedError:
        say(f"{program}: terminated")
        return 143
    except KeyboardInterrupt:
        say(f"{program}: interrupted")
        return 130
    except OSError as error:
        return _cannot_print(program, error)


def _cannot_print(program: str, error: OSError) -> int:
    """The exit code and one line where stdout takes nothing more; raise the error where it is another one."""
    if error.filename is not None or error.errno not in _UNWRITABLE:
        raise error
    with suppress(OSError, ValueError):  # what stdout still holds is dropped: Python would write it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == errno.EPIPE:  # as of `| head`
        return 128 + signal.SIGPIPE
    say(f"{program}: cannot print ({error.strerror}): make room, or print elsewhere")
    return 2


@contextmanager
def _printed() -> Iterator[None]:
    """Have all that was printed written when the block ends, unless it ends by an error."""
    try:
        yield
    finally:
        if sys.stdout is not None and not isinstance(sys.exc_info()[1], Exception):
            sys.stdout.flush()


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    def note(message: Warning | str, *_: Any, **__: Any) -> None:
        say(f"note: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = note
        warnings.filterwarnings("ignore", module=r"PIL\.")  # load_image says once what is odd in a picture's file
        yield


def leave(code: int) -> NoReturn:
    """End a program of a framework with an exit code, at once.

    The destructors of PyTorch's libraries would take a third of a second and 110 MB, only to free what ends anyway.
    What Python was asked to do at its end is done: TensorFlow removes its temporary files then.
    """
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:  # nobody reads any more, or the disk is full
            code = code or 2
    os._exit(code)
