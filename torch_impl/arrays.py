"""NumPy to native and back: the only file that converts layouts and names devices."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from common.errors import RosettaError, memory_errors
from common.framework_imports import keep_out_triton
from common.problem import Network
from common.vgg19 import Affine

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}

if "tensorflow" in sys.modules:
    keep_out_triton()


@contextmanager
def device_scope(network: Network) -> Iterator[None]:
    """The context in which tensors are made and computed on the network's device, in its arithmetic.

    The switches of the process are afterwards what they were before. Raises OutOfMemoryError where the block runs out
    of memory, whatever the framework raises then.
    """
    # TF32 rounds to 10 bits behind the name of float32, and is a switch of the whole process.
    before = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    _allow_tf32(network.precision == "tf32", "high" if network.precision == "tf32" else "highest")
    device = native_device(network)
    try:
        with memory_errors(network.device), torch.cuda.device(device if device.type == "cuda" else -1):
            yield
    finally:
        _allow_tf32(*before)


def _allow_tf32(convolutions: bool, matrix_products: str) -> None:
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.set_float32_matmul_precision(matrix_products)


def native_device(network: Network) -> torch.device:
    """The network's device as the framework names it; RosettaError for one that is not there."""
    kind, index = network.device_kind_and_index
    if kind == "cpu" or (kind == "mps" and torch.backends.mps.is_available()):
        return torch.device(kind)
    if kind == "mps" or index >= torch.cuda.device_count():
        raise RosettaError(f"there is no device {network.device!r} for PyTorch on this machine: use cpu")
    return torch.device("cuda", index)


def to_native(values: NDArray[Any], network: Network) -> torch.Tensor:
    """An image or feature map of shape (H, W, C) as a batch of one, in the native layout and precision."""
    dtype, device = DTYPES[network.dtype], native_device(network)
    values_nhwc = torch.tensor(np.ascontiguousarray(values), dtype=dtype, device=device)[None]
    return _in_memory(values_nhwc.movedim(-1, 1))


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """A batch of one image or feature map, back as an array of shape (H, W, C); a matrix as it is."""
    values = tensor.detach().cpu().numpy()
    # A copy, since optimizers work in place.
    return np.array(np.moveaxis(values[0], 0, -1) if values.ndim == 4 else values, order="C")


def matrix_to_native(values: NDArray[Any], network: Network) -> torch.Tensor:
    """A matrix in the native precision."""
    return torch.tensor(values, dtype=DTYPES[network.dtype], device=native_device(network))


def conv_to_native(name: str, network: Network) -> list[torch.Tensor]:
    """The kernel and the bias of a convolution, in the native layout and the layers' precision."""
    dtype, device = DTYPES[network.layer_dtype], native_device(network)
    kernel_ohwi = np.array(np.transpose(network.weights.kernels_hwio[name], (3, 0, 1, 2)), order="C")
    kernel = torch.from_numpy(kernel_ohwi).to(device, dtype)
    bias = torch.tensor(network.weights.biases[name], dtype=dtype, device=device)
    return [_in_memory(kernel.movedim(-1, 1)), bias]


def _in_memory(values_nchw: torch.Tensor) -> torch.Tensor:
    """On a CPU with the channels last, where convolutions then take no copies; on a GPU with the channels first."""
    return values_nchw if values_nchw.device.type == "cpu" else values_nchw.contiguous()


def apply_affine(tensor: torch.Tensor, affine: Affine) -> torch.Tensor:
    """Map a batch of images from one space to another, channel by channel."""
    if affine.is_identity:
        return tensor
    ordered = tensor.flip(1) if affine.reverse else tensor
    factor, offset = (tensor.new_tensor(triple).view(1, 3, 1, 1) for triple in (affine.factor, affine.offset))
    return ordered * factor + offset


def wait(network: Network) -> None:
    """Return when the network's device has done all that it was given."""
    if (device := native_device(network)).type == "cuda":
        torch.cuda.synchronize(device)
    if device.type == "mps":
        torch.mps.synchronize()
