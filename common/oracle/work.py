"""How much the oracle has computed in a thread: a search that is bounded by work finds the same on every machine."""

import threading

_WORK = threading.local()


def add(multiplications: int) -> None:
    """Count multiplications of convolutions, which are nearly all that the oracle computes."""
    _WORK.multiplications = done() + multiplications


def done() -> int:
    """The multiplications of this thread so far."""
    return int(getattr(_WORK, "multiplications", 0))
