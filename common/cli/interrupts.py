"""What Ctrl-C and SIGTERM do: the first one ends the work in good order, the second one at once."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType

from common.errors import TerminatedError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def calling(first: Callable[[int], None]) -> Iterator[None]:
    """Call `first` with the number of the first signal; the next one ends the process, as is its default."""

    def handle(number: int, _: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        first(number)

    with _handled_by(handle):
        yield


def ignored() -> AbstractContextManager[None]:
    """Ctrl-C and SIGTERM do nothing, as a second one would lose what is saved after the first."""
    return _handled_by(signal.SIG_IGN)


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def interrupting() -> AbstractContextManager[None]:
    """Ctrl-C and SIGTERM raise KeyboardInterrupt and TerminatedError."""
    return calling(_raise)


def _raise(number: int) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else TerminatedError


def say_that_it_stops(number: int) -> None:
    """What is said of the first signal during a transfer."""
    before = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # shows the cursor, which the progress bar hides
    name = signal.Signals(number).name
    with suppress(OSError, RuntimeError):  # the signal may have come while stderr was written
        print(f"{before}{name}: stops after this evaluation; a second one ends at once", file=sys.stderr)
