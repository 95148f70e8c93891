"""The trunk of VGG-19, built from the table and cut after the deepest layer that is asked for."""

from collections.abc import Iterable

import keras

from common.problem import Network
from common.vgg19 import Layer, check_taps, cut
from keras_impl.arrays import conv_to_native


class Trunk(keras.Model):
    """Maps a network input to the feature maps of the taps, by name; frozen."""

    def __init__(self, taps: Iterable[str], network: Network) -> None:
        taps, kept = check_taps(taps), {}
        layers = [_layer(layer, network) for layer in cut(taps)]
        inputs = x = keras.Input((None, None, 3), dtype=network.dtype)
        for layer in layers:
            x = layer(x)
            if layer.name in taps:
                x = kept[layer.name] = keras.layers.Identity(dtype=network.dtype)(x)
        super().__init__(inputs, {tap: kept[tap] for tap in taps} or inputs)  # a model needs an output
        self.taps, self.layer_dtype, self.trunk_layers = taps, network.layer_dtype, layers
        self.trainable = False


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
