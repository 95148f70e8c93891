"""A port that is called: `package.module:name`, given three images, gives a dict of named tensors.

    def port(content, style, image):  # float32 RGB in [0, 1], shape (H, W, 3)
        return {"features/relu1_1": ..., "loss/total": ..., "gradient/pixels": ...}

It may also give just the loss and its gradient, as a pair, or just the loss, as a number.
Where it has an attribute `layer`, a function of a layer's name and its input (H, W, C), every layer is also given
the reference's input, so that an error behind another one is seen on its own.
"""

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import RosettaError, type_and_line
from common.oracle import RIGHT, Case, Run
from common.tensors import Arrays, check_real
from common.vgg19 import cut

Port = Callable[..., Mapping[str, Any] | tuple[Any, Any] | float]
_PAIR = ("loss/total", "gradient/pixels")


def load_port(name: str) -> Port:
    """Import a port; raise RosettaError when it is not there or cannot be called."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise RosettaError(f"{name!r} names no port: write package.module:name")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    with _failures(lambda error: f"cannot import the port {name!r} ({type_and_line(error)})"):
        port = getattr(importlib.import_module(module_name), attribute)
    if not callable(port):
        raise RosettaError(f"the port {name!r} cannot be called: write a function of content, style and image")
    return port  # type: ignore[no-any-return]


def tensors_of(port: Port, case: Case) -> Arrays:
    """What a port computes for a case; raise RosettaError with its own words when it fails."""
    return _real(_called(port, case))


def _called(port: Port, case: Case) -> Arrays:
    problem = case.problem
    images = (np.array(image, np.float32) for image in (problem.content, problem.style, case.image))
    with _failures(lambda error: f"the port failed{_place(error)}: {type_and_line(error)}"):
        given = port(*images)
        tensors = dict(zip(_PAIR, given, strict=True)) if isinstance(given, tuple) else given
        if isinstance(tensors, Mapping):
            return {str(name): np.asarray(tensor) for name, tensor in tensors.items()}
        loss = np.asarray(given)
        if loss.ndim == 0 and loss.dtype.kind in "iuf":
            return {_PAIR[0]: loss}
    raise RosettaError(
        f"the port gave a {type(given).__name__}: return a dict of named tensors, or loss and gradient, or a loss"
    )


@contextmanager
def _failures(message: Callable[[BaseException], str]) -> Iterator[None]:
    """Raise RosettaError for whatever a user's module raises but an interrupt, SystemExit too."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise RosettaError(message(error)) from None


def _real(arrays: Arrays) -> Arrays:
    for name, array in arrays.items():
        check_real(name, array, ", which the port gave,")
    return arrays


def _place(error: BaseException) -> str:
    """Where in the port an exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)[2:]  # without _failures and what it guards
    return f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""


def layers_of(port: Port, case: Case) -> dict[str, Arrays]:
    """By tensor: the reference's input of a layer, and what the port's layer makes of it; empty without layers."""
    layer_of_port = getattr(port, "layer", None)
    if layer_of_port is None:
        return {}
    run, before = Run(case, RIGHT), "input"
    tensors: dict[str, Arrays] = {}
    for layer in cut(case.problem.recipe.taps):
        name, given = f"features/{layer.name}", run.below(layer).astype(np.float32)
        with _failures(partial(_of_a_layer, layer.name)):
            tensors[name] = {before: given, name: np.asarray(layer_of_port(layer.name, given.copy()))}
        before = name
    return {name: _real(arrays) for name, arrays in tensors.items()}


def _of_a_layer(name: str, error: BaseException) -> str:
    return f"the port's {name} failed: {type_and_line(error)}"
