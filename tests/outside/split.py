"""Which set a fault is in: open, to be worked with; closed, to be judged by; later and third, written afterwards.

A coin parts the first two, so that nobody chooses. All sets have been opened.
"""

import hashlib

SETS = ("open", "closed", "later", "third")


def set_of(name):
    """`later` or `third` where the name begins so, else `open` or `closed` by the first byte of its sha256."""
    if (first := name.split("-")[0]) in SETS[2:]:
        return first
    return "closed" if hashlib.sha256(name.encode()).digest()[0] % 2 else "open"
