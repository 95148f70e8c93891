"""The ways in which the framework executes a function of tensors."""

from collections.abc import Callable
from typing import Any

import torch

from common.errors import RosettaError
from common.problem import Mode
from torch_impl.entry import ENTRY


def in_mode(function: Callable[..., Any], mode: Mode | None) -> Callable[..., Any]:
    """The function as it runs in an execution mode, None for the first; RosettaError for an unknown mode."""
    mode = mode or ENTRY.modes[0]
    if mode == "eager":
        return function
    if mode == "compiled":
        return torch.compile(function, dynamic=False)
    raise RosettaError(f"{ENTRY.label} has no mode {mode!r}: use {', '.join(ENTRY.modes)}")
