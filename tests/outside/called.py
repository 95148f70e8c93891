"""What `compare.py check --port tests.outside.called:port` calls: environment variables say which port and fault."""

import itertools
import os
from pathlib import Path

import numpy as np

from . import numpy_port, torch_port
from .faults import FAULTS
from .handing import GROUPS, tensors

MODULES = {"numpy": numpy_port, "torch": torch_port}
_counter = itertools.count()


def make(port, recipe, faults=(), weights=None):
    """A port of a recipe with the named faults planted."""
    made = MODULES[port].Port(recipe, weights)
    for name in faults:
        FAULTS[name].plant(made)
    return made


def port(content, style, image):
    """Named tensors for three pictures; what went in and out is kept in the folder OUTSIDE_RECORD, if one is named."""
    faults = [name for name in os.environ.get("OUTSIDE_FAULTS", "").split(",") if name]
    made = make(os.environ["OUTSIDE_PORT"], os.environ["OUTSIDE_RECIPE"], faults)
    out = tensors(made, content, style, image, only=GROUPS[os.environ.get("OUTSIDE_HANDS_OVER", "all")])
    if folder := os.environ.get("OUTSIDE_RECORD"):
        count = next(_counter)
        np.savez(Path(folder) / f"in-{count}.npz", content=content, style=style, image=image)
        np.savez(Path(folder) / f"out-{count}.npz", **out)
    return out
