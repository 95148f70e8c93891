"""The ways in which the framework executes a function of tensors."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from common.problem import Mode
from keras_impl.entry import ENTRY


def in_mode(function: Callable[..., Any], mode: Mode | None) -> Callable[..., Any]:
    """The function as it runs in an execution mode, None for the first; RosettaError for an unknown mode."""
    mode = ENTRY.checked_mode(mode)
    if mode == "eager":
        return function
    return tf.function(function, jit_compile=True) if mode == "xla" else tf.function(function)
