"""What the framework knows of the machine: its arithmetic, its memory, its build, and how fast it multiplies."""

import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from common.backend import DeviceMemory
from common.problem import Network
from keras_impl.arrays import device_scope, native_device, wait


def best_device() -> str:
    """The fastest device that the framework finds: `gpu`, Apple's `mps`, or `cpu`."""
    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def check_arithmetic(network: Network) -> None:
    """Raise RosettaError when the network's device does not have its precision."""
    gpu = _gpu_details(network)
    network.check_precision(gpu.get("compute_capability", (0, 0)) if gpu else None)


def peak_memory(network: Network) -> DeviceMemory | None:
    """The most memory that was allocated and reserved on the network's GPU; None where that is not known."""
    device = native_device(network)
    if device.startswith("CPU"):
        return None
    # TensorFlow does not tell how much its allocator has reserved.
    return DeviceMemory(tf.config.experimental.get_memory_info(device)["peak"], None)


def environment(network: Network) -> dict[str, Any]:
    """The build, the switches and the threads that decide the framework's speed, as plain JSON values."""
    build, gpu = tf.sysconfig.get_build_info(), _gpu_details(network)
    return {
        "flags": {
            "oneDNN": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set, so on where the build has it"),
            "CPU compiler": build.get("cpu_compiler"),
            "CUDA build": build.get("cuda_version"),
            "cuDNN build": build.get("cudnn_version"),
            "TF32": network.precision == "tf32",
        },
        "threads": {
            "intra-op": tf.config.threading.get_intra_op_parallelism_threads() or _variable("TF_NUM_INTRAOP_THREADS"),
            "inter-op": tf.config.threading.get_inter_op_parallelism_threads() or _variable("TF_NUM_INTEROP_THREADS"),
        },
        "gpu": gpu.get("device_name") if gpu else None,
    }


def matrix_product(size: int, network: Network) -> Callable[[], None]:
    """A function that multiplies two random (size, size) matrices in the network's arithmetic, and waits."""
    with device_scope(network):
        one, other = (tf.cast(tf.random.normal((size, size)), network.layer_dtype) for _ in range(2))

    def multiply() -> None:
        with device_scope(network):
            tf.matmul(one, other)
            wait(network)

    return multiply


def _variable(name: str) -> int:
    # TensorFlow follows these variables where nothing is configured, and does not tell so.
    return int(os.environ.get(name, 0))


def _gpu_details(network: Network) -> dict[str, Any]:
    native_device(network)  # says so where there is none
    kind, index = network.device_kind_and_index
    gpus = tf.config.list_physical_devices("GPU")
    return {} if kind == "cpu" else tf.config.experimental.get_device_details(gpus[index])
