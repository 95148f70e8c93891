"""Which faults are open, to be worked with, and which are closed, to be judged by: a coin, so that nobody chooses."""

import hashlib


def half(name):
    """`open` where the first byte of the name's sha256 is even, else `closed`."""
    return "closed" if hashlib.sha256(name.encode()).digest()[0] % 2 else "open"
