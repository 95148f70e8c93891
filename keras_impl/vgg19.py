"""The trunk of VGG-19, built from the table and cut after the deepest layer that is asked for."""

from collections.abc import Iterable

import keras
import tensorflow as tf

from common.problem import Network
from common.vgg19 import Layer, check_taps, cut
from keras_impl.arrays import conv_to_native


class Trunk(keras.Model):
    """Maps a network input to the feature maps of the taps, by name; frozen."""

    def __init__(self, taps: Iterable[str], network: Network) -> None:
        super().__init__(dtype=network.dtype)
        self.taps, self.layer_dtype = check_taps(taps), network.layer_dtype
        self.trunk_layers = [_layer(layer, network) for layer in cut(self.taps)]
        self.trainable = False

    def call(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        """Run the layers in order and keep what the taps name."""
        # Not a functional model, which outside of graphs would hold every feature map until the end.
        kept, dtype = {}, x.dtype
        for layer in self.trunk_layers:
            x = layer(x)  # which casts to its own precision
            if layer.name in self.taps:
                x = kept[layer.name] = tf.cast(x, dtype)
        return {tap: kept[tap] for tap in self.taps}


def _layer(layer: Layer, network: Network) -> keras.layers.Layer:
    options = {"name": layer.name, "dtype": network.layer_dtype}
    if layer.kind == "relu":
        return keras.layers.ReLU(**options)
    if layer.kind == "pool":
        pooling = keras.layers.MaxPooling2D if network.pooling == "max" else keras.layers.AveragePooling2D
        return pooling(2, **options)
    conv = keras.layers.Conv2D(layer.out_channels, 3, padding="same", kernel_initializer="zeros", **options)
    conv.build((None, None, None, layer.in_channels))
    conv.set_weights(conv_to_native(layer.name, network))
    return conv
