"""What the framework knows of the machine: its arithmetic, its memory, its build, and how fast it multiplies."""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from common.backend import DeviceMemory
from common.problem import Network
from jax_impl.arrays import device_scope, native_device


def best_device() -> str:
    """The fastest device that the framework finds: `gpu`, Apple's `mps`, or `cpu`."""
    return "gpu" if jax.default_backend() == "gpu" else "cpu"


def check_arithmetic(network: Network) -> None:
    """Raise RosettaError when the network's device does not have its precision."""
    capability = getattr(native_device(network), "compute_capability", None)
    major, _, minor = (capability or "").partition(".")
    network.check_precision((int(major), int(minor)) if major.isdigit() else None)


def peak_memory(network: Network) -> DeviceMemory | None:
    """The most memory that was allocated and reserved on the network's GPU; None where that is not known."""
    found = native_device(network).memory_stats() or {}
    return DeviceMemory(found["peak_bytes_in_use"], found.get("peak_pool_bytes")) if found else None


def environment(network: Network) -> dict[str, Any]:
    """The build, the switches and the threads that decide the framework's speed, as plain JSON values."""
    device = native_device(network)
    return {
        "flags": {
            "platform": device.client.platform_version,
            "XLA_FLAGS": os.environ.get("XLA_FLAGS"),
            "TF32": network.precision == "tf32",
        },
        "threads": {"intra-op": int(os.environ.get("NPROC", 0))},
        "gpu": device.device_kind if device.platform == "gpu" else None,
    }


def matrix_product(size: int, network: Network) -> Callable[[], None]:
    """A function that multiplies two random (size, size) matrices in the network's arithmetic, and waits."""
    with device_scope(network):
        keys = jax.random.split(jax.random.key(0))
        one, other = (jax.random.normal(key, (size, size)).astype(network.layer_dtype) for key in keys)

    def multiply() -> None:
        with device_scope(network):
            jnp.matmul(one, other).block_until_ready()

    return multiply
