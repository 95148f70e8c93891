"""The ways in which the framework executes a function of tensors."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from common.errors import RosettaError
from common.problem import Mode


def in_mode(function: Callable[..., Any], mode: Mode | None) -> Callable[..., Any]:
    """The function as it runs in an execution mode, None for the first; RosettaError for an unknown mode."""
    if mode == "eager":
        return function
    if mode in (None, "graph"):
        return tf.function(function)
    if mode == "xla":
        return tf.function(function, jit_compile=True)
    raise RosettaError(f"TensorFlow has no mode {mode!r}: use eager, graph or xla")
