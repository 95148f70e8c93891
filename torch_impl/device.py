"""What the framework knows of the machine: its arithmetic, its memory, its build, and how fast it multiplies."""

from collections.abc import Callable
from typing import Any

import torch

from common.backend import DeviceMemory
from common.problem import Network
from torch_impl.arrays import DTYPES, device_scope, native_device, wait


def best_device() -> str:
    """The fastest device that the framework finds: `gpu`, Apple's `mps`, or `cpu`."""
    if torch.cuda.is_available():
        return "gpu"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_arithmetic(network: Network) -> None:
    """Raise RosettaError when the network's device does not have its precision."""
    device = native_device(network)
    network.check_precision(torch.cuda.get_device_capability(device) if device.type == "cuda" else None)


def peak_memory(network: Network) -> DeviceMemory | None:
    """The most memory that was allocated and reserved on the network's GPU; None where that is not known."""
    device = native_device(network)
    if device.type != "cuda":
        return None
    return DeviceMemory(torch.cuda.max_memory_allocated(device), torch.cuda.max_memory_reserved(device))


def environment(network: Network) -> dict[str, Any]:
    """The build, the switches and the threads that decide the framework's speed, as plain JSON values."""
    device = native_device(network)
    return {
        "flags": {
            "oneDNN": torch.backends.mkldnn.is_available(),
            "MKL": torch.backends.mkl.is_available(),
            "CPU capability": torch.backends.cpu.get_cpu_capability(),
            "CUDA build": torch.version.cuda,
            "cuDNN build": torch.backends.cudnn.version(),
            "TF32": network.precision == "tf32",
        },
        "threads": {
            "intra-op": torch.get_num_threads(),
            "inter-op": torch.get_num_interop_threads(),
        },
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
    }


def matrix_product(size: int, network: Network) -> Callable[[], None]:
    """A function that multiplies two random (size, size) matrices in the network's arithmetic, and waits."""
    dtype, device = DTYPES[network.layer_dtype], native_device(network)
    one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))

    def multiply() -> None:
        with device_scope(network):
            torch.mm(one, other)
            wait(network)

    return multiply
