"""NumPy to native and back: the only file that converts layouts and names devices."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from common.errors import RosettaError, memory_errors
from common.framework_imports import keep_out_triton
from common.problem import Network
from common.vgg19 import Affine

if keras.config.backend() != "tensorflow":
    raise ImportError(f"Keras was imported before with the backend {keras.config.backend()}, not tensorflow")

keep_out_triton()
for _gpu in tf.config.list_physical_devices("GPU"):
    # TensorFlow takes the whole of a GPU's memory otherwise.
    tf.config.experimental.set_memory_growth(_gpu, True)


@contextmanager
def device_scope(network: Network) -> Iterator[None]:
    """The context in which tensors are made and computed on the network's device, in its arithmetic.

    The switches of the process are afterwards what they were before. Raises OutOfMemoryError where the block runs out
    of memory, whatever the framework raises then.
    """
    # TF32 rounds to 10 bits behind the name of float32, and is a switch of the whole process.
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(network.precision == "tf32")
    try:
        with memory_errors(network.device), tf.device(native_device(network)):
            yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def native_device(network: Network) -> str:
    """The network's device as the framework names it; RosettaError for one that is not there."""
    kind, index = network.device_kind_and_index
    if kind == "cpu":
        return "CPU:0"
    if kind == "mps" or index >= len(tf.config.list_physical_devices("GPU")):
        raise RosettaError(f"there is no device {network.device!r} for TensorFlow on this machine: use cpu")
    return f"GPU:{index}"


def to_native(values: NDArray[Any], network: Network) -> tf.Tensor:
    """An image or feature map of shape (H, W, C) as a batch of one, in the native layout and precision."""
    return tf.convert_to_tensor(values[None], dtype=network.dtype)


def to_numpy(tensor: tf.Tensor) -> NDArray[Any]:
    """A batch of one image or feature map, back as an array of shape (H, W, C); a matrix as it is."""
    values = np.array(tensor)
    return values[0] if values.ndim == 4 else values


def matrix_to_native(values: NDArray[Any], network: Network) -> tf.Tensor:
    """A matrix in the native precision."""
    return tf.convert_to_tensor(values, dtype=network.dtype)


def conv_to_native(name: str, network: Network) -> list[tf.Tensor]:
    """The kernel and the bias of a convolution, in the native layout and the layers' precision."""
    kernel_and_bias = network.weights.kernels_hwio[name], network.weights.biases[name]
    return [tf.cast(tf.convert_to_tensor(values), network.layer_dtype) for values in kernel_and_bias]


def apply_affine(tensor: tf.Tensor, affine: Affine) -> tf.Tensor:
    """Map a batch of images from one space to another, channel by channel."""
    if affine.is_identity:
        return tensor
    ordered = tf.reverse(tensor, axis=[3]) if affine.reverse else tensor
    factor, offset = (tf.constant(triple, dtype=tensor.dtype) for triple in (affine.factor, affine.offset))
    return ordered * factor + offset


def wait(network: Network) -> None:
    """Return when the network's device has done all that it was given."""
    if native_device(network).startswith("GPU"):
        tf.test.experimental.sync_devices()
