"""A convolution's kernel and bias as a variant has them."""

from functools import lru_cache

import numpy as np

from common.doctor.reference.low_precision import rounded
from common.doctor.reference.variant import Arithmetic, Kernels, Variant
from common.tensors import Array
from common.vgg19 import Layer, Weights

ALL = "all"


def kernel_and_bias(layer: Layer, weights: Weights, variant: Variant) -> tuple[Array, Array]:
    """The kernel (3, 3, in, out) and the bias (out,) in float64."""
    used = variant.weights or weights
    concerned = variant.only_layer in (None, layer.name)
    form = variant.kernels if concerned else "right"
    bias = used.biases[layer.name].astype(np.float64)
    if variant.dropped_bias in (ALL, layer.name):
        bias = np.zeros_like(bias)
    return _kernel(used, layer.name, form, variant.arithmetic), rounded(bias, variant.arithmetic)


@lru_cache(maxsize=64)
def _kernel(weights: Weights, name: str, form: Kernels, arithmetic: Arithmetic) -> Array:
    kernel = reordered(weights.kernels_hwio[name], form)
    return rounded(kernel.astype(np.float64), arithmetic)


def reordered(kernel_hwio: Array, form: Kernels) -> Array:
    """What a kernel becomes by a wrong conversion, of the same shape (3, 3, in, out)."""
    inputs, outputs = kernel_hwio.shape[2:]
    if form == "HWIO read as OIHW":
        return kernel_hwio.reshape(outputs, inputs, 3, 3).transpose(2, 3, 1, 0)
    if form == "OIHW read as HWIO":
        return kernel_hwio.transpose(3, 2, 0, 1).reshape(3, 3, inputs, outputs)
    if form == "transposed in space":
        return kernel_hwio.transpose(1, 0, 2, 3)
    if form == "flipped":
        return kernel_hwio[::-1, ::-1]
    if form == "flipped in inputs":
        return kernel_hwio[:, :, ::-1]
    return kernel_hwio
