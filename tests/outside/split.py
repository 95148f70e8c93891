"""Which faults are open, to be worked with, and which are closed, to be judged by: a coin, so that nobody chooses."""

import hashlib


def half(name):
    """`later` where the name begins so, else `open` where the first byte of its sha256 is even, else `closed`."""
    if name.startswith("later-"):
        return "later"
    return "closed" if hashlib.sha256(name.encode()).digest()[0] % 2 else "open"
