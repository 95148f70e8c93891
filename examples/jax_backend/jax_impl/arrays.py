"""NumPy to native and back: the only file that converts layouts and names devices."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from common.errors import RosettaError, memory_errors
from common.problem import Network
from common.vgg19 import Affine


@contextmanager
def device_scope(network: Network) -> Iterator[None]:
    """The context in which tensors are made and computed on the network's device, in its arithmetic.

    The switches of the process are afterwards what they were before. Raises OutOfMemoryError where the block runs out
    of memory, whatever the framework raises then.
    """
    # TF32 is JAX's default on recent GPUs, and float64 is off by default.
    precision = "tensorfloat32" if network.precision == "tf32" else "highest"
    with (
        memory_errors(network.device),
        jax.enable_x64(network.dtype == "float64"),
        jax.default_matmul_precision(precision),
        jax.default_device(native_device(network)),
    ):
        yield


def native_device(network: Network) -> jax.Device:
    """The network's device as the framework names it; RosettaError for one that is not there."""
    kind, index = network.device_kind_and_index
    try:
        return jax.devices(kind)[index]
    except (RuntimeError, IndexError):
        raise RosettaError(f"there is no device {network.device!r} for JAX on this machine: use cpu") from None


def to_native(values: NDArray[Any], network: Network) -> jax.Array:
    """An image or feature map of shape (H, W, C) as a batch of one, in the native layout and precision."""
    return jnp.array(values[None], network.dtype)  # a copy: SciPy changes its vector in place


def to_numpy(tensor: jax.Array) -> NDArray[Any]:
    """A batch of one image or feature map, back as an array of shape (H, W, C); a matrix as it is."""
    values = np.asarray(tensor)
    return np.array(values[0] if values.ndim == 4 else values)


def matrix_to_native(values: NDArray[Any], network: Network) -> jax.Array:
    """A matrix in the native precision."""
    return jnp.array(values, network.dtype)


def conv_to_native(name: str, network: Network) -> list[jax.Array]:
    """The kernel and the bias of a convolution, in the native layout and the layers' precision."""
    kernel_and_bias = network.weights.kernels_hwio[name], network.weights.biases[name]
    return [jnp.array(values, network.layer_dtype) for values in kernel_and_bias]


def apply_affine(tensor: jax.Array, affine: Affine) -> jax.Array:
    """Map a batch of images from one space to another, channel by channel."""
    if affine.is_identity:
        return tensor
    ordered = tensor[..., ::-1] if affine.reverse else tensor
    return ordered * jnp.array(affine.factor, tensor.dtype) + jnp.array(affine.offset, tensor.dtype)


def wait(network: Network) -> None:
    """Return when the network's device has done all that it was given."""
    jax.block_until_ready(jax.live_arrays(native_device(network).platform))  # type: ignore[no-untyped-call]
