"""The ways in which the framework executes a function of tensors."""

from collections.abc import Callable
from typing import Any

import torch

from common.problem import Mode
from torch_impl.entry import ENTRY


def in_mode(function: Callable[..., Any], mode: Mode | None) -> Callable[..., Any]:
    """The function as it runs in an execution mode, None for the first; RosettaError for an unknown mode."""
    compiled = ENTRY.checked_mode(mode) == "compiled"
    return torch.compile(function, dynamic=False) if compiled else function
