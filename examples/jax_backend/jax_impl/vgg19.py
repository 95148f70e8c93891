"""The trunk of VGG-19, built from the table and cut after the deepest layer that is asked for."""

from collections.abc import Callable, Iterable, Mapping

import jax
import jax.numpy as jnp
from jax import lax

from common.problem import Network
from common.vgg19 import Layer, check_taps, cut
from jax_impl.arrays import conv_to_native


class Trunk:
    """Maps a network input to the feature maps of the taps, by name; frozen."""

    def __init__(self, taps: Iterable[str], network: Network) -> None:
        self.taps, self.layer_dtype = check_taps(taps), network.layer_dtype
        self.trunk_layers = {layer.name: _function(layer, network) for layer in cut(self.taps)}
        self.parameters = {it.name: conv_to_native(it.name, network) for it in cut(self.taps) if it.kind == "conv"}
        self.nudges: Mapping[str, jax.Array] = {}  # added to the taps: the gradient at one is the gradient at its tap

    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        """Run the layers in order and keep what the taps name."""
        kept, dtype = {}, x.dtype
        for name, layer in self.trunk_layers.items():
            x = layer(x.astype(self.layer_dtype), *self.parameters.get(name, ()))
            if name in self.taps:
                x = kept[name] = x.astype(dtype) + self.nudges.get(name, 0)
        return {tap: kept[tap] for tap in self.taps}


def _function(layer: Layer, network: Network) -> Callable[..., jax.Array]:
    if layer.kind == "relu":
        return jax.nn.relu
    if layer.kind == "pool":
        return _max_pool if network.pooling == "max" else _average_pool
    return _conv


def _conv(x: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


def _max_pool(x: jax.Array) -> jax.Array:
    return _over_windows(x, -jnp.inf, lax.max)


def _average_pool(x: jax.Array) -> jax.Array:
    return _over_windows(x, 0.0, lax.add) / 4


def _over_windows(x: jax.Array, start: float, reduce: Callable[..., jax.Array]) -> jax.Array:
    found: jax.Array = lax.reduce_window(x, start, reduce, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return found
