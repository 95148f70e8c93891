"""Traps of the network: 6, 7, 12 to 17, 32."""

from collections.abc import Callable
from typing import Any

import numpy as np

from common.oracle.case import Case
from common.problem import Problem
from common.vgg19.layers import CONVS, cut
from common.vgg19.load_weights import load_weights
from common.vgg19.weights import random_weights
from faulty_ports.frameworks import Border, Compute, Framework
from faulty_ports.planting import Broken, Plant, Port


def _kernels(change: Callable[[np.ndarray], np.ndarray]) -> Plant:
    def plant(port: Port) -> Port:
        kernels = port.problem.weights.kernels_hwio
        return port.with_weights(kernels_hwio={name: change(kernel).copy() for name, kernel in kernels.items()})

    return plant


def _hwio_as_oihw(kernel: np.ndarray) -> np.ndarray:
    """`torch.tensor(kernel).view(out, in, 3, 3)`, seen as HWIO again."""
    height, width, inputs, outputs = kernel.shape
    return np.moveaxis(kernel.reshape(outputs, inputs, height, width), (0, 1), (3, 2))


def _oihw_as_hwio(kernel: np.ndarray) -> np.ndarray:
    """A state dict's memory taken for HWIO."""
    return np.ascontiguousarray(np.moveaxis(kernel, (3, 2), (0, 1))).reshape(kernel.shape)


def _without_biases(names: Callable[[Problem], list[str]]) -> Plant:
    def plant(port: Port) -> Port:
        biases, dropped = port.problem.weights.biases, names(port.problem)
        return port.with_weights(biases={n: np.zeros_like(b) if n in dropped else b for n, b in biases.items()})

    return plant


def _all_convs(_: Problem) -> list[str]:
    return [conv.name for conv in CONVS]


def _second_conv(_: Problem) -> list[str]:
    return ["conv1_2"]


def _another_training(port: Port) -> Port:
    """Random numbers where the real ones are asked for, and the other way round."""
    is_random = port.case.problem.weights.name.startswith("random")
    other = load_weights("keras") if is_random else random_weights(7)
    return port.with_weights(kernels_hwio=other.kernels_hwio, biases=other.biases)


def _in_the_trunk(change: Callable[[Framework, Any], None]) -> Plant:
    """Layers are changed as soon as the network is built."""

    def plant(port: Port) -> Port:
        def wrap(right: Any) -> Any:
            class Changed(right):
                def __init__(self, taps, network):
                    super().__init__(taps, network)
                    change(port.framework, self)

            return Changed

        return port.patched("Trunk", wrap)

    return plant


def _around(kind: str, change: Callable[[Framework, Compute], Compute]) -> Plant:
    """Every layer of a kind (`conv` or `pool`) computes otherwise: `change` makes it of what it did."""
    return _in_the_trunk(lambda it, trunk: it.change_layers(trunk, kind, lambda compute: change(it, compute)))


def _padded(border: Border) -> Plant:
    return _in_the_trunk(lambda framework, trunk: framework.pad_convolutions(trunk, border))


def _has_odd_pools(case: Case) -> bool:
    height, width = case.problem.content.shape[:2]
    pools = sum(layer.kind == "pool" for layer in cut(case.problem.recipe.taps))
    return any((side >> done) % 2 for side in (height, width) for done in range(pools))


def _ten_bits(x: Any) -> Any:
    """The 10 bits after the point that TF32 keeps (Veltkamp's splitting); its derivative is 1."""
    far = 8193 * x
    return far - (far - x)


def _tf32(port: Port) -> Port:
    rounded = _kernels(lambda kernel: _ten_bits(kernel.astype(np.float32)))(port)
    return _around("conv", lambda _, compute: lambda x: compute(_ten_bits(x)))(rounded)


def _float16(port: Port) -> Port:
    """Everything that a layer takes or makes is rounded to float16; the derivative of that is 1."""
    rounded = _kernels(lambda kernel: kernel.astype(np.float16).astype(np.float32))(port)
    biases = {name: it.astype(np.float16).astype(np.float32) for name, it in port.problem.weights.biases.items()}
    rounded = rounded.with_weights(biases=biases)

    def change(framework: Framework, compute: Compute) -> Compute:
        return lambda x: framework.half(compute(framework.half(x)))

    return _around("pool", change)(_around("conv", change)(rounded))


def _other_pooling(port: Port) -> Port:
    return port.with_recipe(pooling="average" if port.problem.recipe.pooling == "max" else "max")


_POOLS = ("pools",)

NETWORKS = (
    Broken(6, "HWIO memory read as OIHW", _kernels(_hwio_as_oihw), ("kernels",)),
    Broken(6, "OIHW memory read as HWIO", _kernels(_oihw_as_hwio), ("kernels",)),
    Broken(7, "kernels transposed in space", _kernels(lambda kernel: kernel.swapaxes(0, 1)), ("kernels",)),
    Broken(7, "kernels flipped", _kernels(lambda kernel: kernel[::-1, ::-1]), ("kernels",)),
    Broken(12, "the other pooling", _other_pooling, _POOLS),
    Broken(13, "pools times 2", _around("pool", lambda _, compute: lambda x: 2 * compute(x))),
    Broken(
        14,
        "pools round up",
        _in_the_trunk(lambda framework, trunk: framework.round_pools_up(trunk)),
        fits=_has_odd_pools,
    ),
    Broken(15, "replicate padding", _padded("replicate"), ("padding",)),
    Broken(15, "reflect padding", _padded("reflect"), ("padding",)),
    Broken(16, "another training", _another_training, ("kernels", "biases")),
    Broken(17, "no biases", _without_biases(_all_convs), ("biases",)),
    Broken(17, "no bias in conv1_2", _without_biases(_second_conv), ("biases",)),
    Broken(32, "layers in bfloat16", lambda port: port.given(precision="bfloat16"), ("arithmetic",)),
    Broken(32, "layers in TF32", _tf32, ("arithmetic",)),
    Broken(32, "layers in float16", _float16, ("arithmetic",)),
)
