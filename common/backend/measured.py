"""What is measured of a framework besides its pictures: the answers of a package that does not give its own.

The module `device` of a backend's package has functions of these names where the framework can tell more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.errors import RosettaError
from common.problem import Network


@dataclass(frozen=True)
class DeviceMemory:
    """The most memory that was taken on a GPU; a framework may not tell what it reserved."""

    allocated_bytes: int
    reserved_bytes: int | None


def best_device() -> str:
    """The fastest device that the framework finds, as `Problem.device` names it."""
    return "cpu"


def check_arithmetic(network: Network) -> None:
    """Raise RosettaError when the network's device is not there, or does not have its precision."""
    if network.device_kind_and_index[0] != "cpu":
        raise RosettaError(f"there is no device {network.device!r} for this backend: use cpu")
    network.check_precision(None)


def peak_memory(network: Network) -> DeviceMemory | None:  # noqa: ARG001
    """The most memory that was taken on the network's GPU; None where that is not known."""
    return None


def environment(network: Network) -> dict[str, Any]:  # noqa: ARG001
    """Build, switches and threads that decide the framework's speed, as plain JSON values."""
    return {"flags": {}, "threads": {}, "gpu": None}


def matrix_product(size: int, network: Network) -> Callable[[], object]:
    """A function that multiplies two random (size, size) matrices in the network's arithmetic, and waits.

    Here by NumPy, and in float32 for the layers in bfloat16.
    """
    rng = np.random.default_rng(0)
    one, other = (rng.random((size, size)).astype(network.dtype) for _ in range(2))
    return lambda: one @ other
