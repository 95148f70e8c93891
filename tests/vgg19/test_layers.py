"""The layer table against the stock models: same weights in, same activations out at every layer."""

import keras
import numpy as np
import pytest
import torch
import torchvision

from common import Network, RosettaError
from common.backend import load_backend
from common.distances import relative_l2
from common.vgg19.layers import CONVS, LAYERS, NAMES, check_taps, cut, layer, shape_at, smallest_side_px
from common.vgg19.preprocessing import CAFFE


def test_the_table_has_37_rows_in_the_order_of_torchvision():
    kinds = {"conv": torch.nn.Conv2d, "relu": torch.nn.ReLU, "pool": torch.nn.MaxPool2d}
    stock = torchvision.models.vgg19(weights=None).features
    assert len(LAYERS) == len(stock) == 37
    for row, module in zip(LAYERS, stock, strict=True):
        assert isinstance(module, kinds[row.kind]), row.name
        if row.kind == "conv":
            assert (module.in_channels, module.out_channels) == (row.in_channels, row.out_channels)


def test_every_activation_of_torchvision(weights, content):
    network = Network(weights, "max", "float64")
    stock = torchvision.models.vgg19(weights=None).features.double()
    modules = dict(zip(NAMES, stock, strict=True))
    for conv in CONVS:
        kernel_oihw = np.transpose(weights.kernels_hwio[conv.name], (3, 2, 0, 1)).copy()
        modules[conv.name].load_state_dict(
            {"weight": torch.tensor(kernel_oihw), "bias": torch.tensor(weights.biases[conv.name])}
        )
    ours = load_backend("torch").features(content, NAMES, network)
    x = torch.tensor(CAFFE.apply(content).transpose(2, 0, 1)[None].copy())
    for name, module in modules.items():
        x = module(x)
        before_the_next_relu_changes_it = x.detach().numpy()[0].transpose(1, 2, 0).copy()
        assert relative_l2(ours[name], before_the_next_relu_changes_it) <= 1e-12, name


def test_every_activation_of_keras(weights, content):
    """Keras fuses the ReLU into the convolution, so its layers are our relu and pool layers."""
    stock = keras.applications.VGG19(include_top=False, weights=None, input_shape=(*content.shape[:2], 3))
    names = [layer.name for layer in LAYERS if layer.kind != "conv"]
    for conv in CONVS:
        block, index = conv.name.removeprefix("conv").split("_")
        stock.get_layer(f"block{block}_conv{index}").set_weights(
            [weights.kernels_hwio[conv.name], weights.biases[conv.name]]
        )
    outputs = keras.Model(stock.input, [layer.output for layer in stock.layers[1:]])(CAFFE.apply(content)[None])
    ours = load_backend("keras").features(content, names, Network(weights))
    for name, theirs in zip(names, outputs, strict=True):
        assert relative_l2(ours[name], np.array(theirs[0])) <= 1e-6, name


def test_cut_stops_at_the_deepest_tap():
    assert [layer.name for layer in cut(["relu2_1", "conv1_1"])][-1] == "relu2_1"
    assert cut([]) == ()


def test_the_trunk_has_nothing_below_the_deepest_tap(backend, weights, content):
    name = backend.package
    trunk = __import__(f"{name}.vgg19", fromlist=["Trunk"]).Trunk(("relu1_1", "conv2_1"), Network(weights))
    assert len(trunk.trunk_layers) == len(cut(["conv2_1"])) == 6


def test_the_weights_are_frozen(weights):
    from keras_impl.vgg19 import Trunk as KerasTrunk
    from torch_impl.vgg19 import Trunk as TorchTrunk

    assert not any(parameter.requires_grad for parameter in TorchTrunk(["relu2_1"], Network(weights)).parameters())
    assert KerasTrunk(["relu2_1"], Network(weights)).trainable_variables == []


@pytest.mark.parametrize(("tap", "smallest"), [("relu1_2", 1), ("pool1", 2), ("relu5_1", 16), ("pool5", 32)])
def test_smallest_side(tap, smallest):
    assert smallest_side_px([tap]) == smallest


def test_an_unknown_tap_is_refused():
    with pytest.raises(RosettaError, match="no layer 'conv4_5'"):
        check_taps(["conv4_4", "conv4_5"])


def test_a_layer_is_found_by_its_name():
    assert [layer(name) for name in NAMES] == list(LAYERS)
    with pytest.raises(RosettaError, match="no layer 'conv9_1'"):
        layer("conv9_1")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("conv1_1", (37, 35, 64)), ("pool1", (18, 17, 64)), ("relu3_4", (9, 8, 256)), ("pool5", (1, 1, 512))],
)
def test_the_shape_of_a_layer_is_halved_and_rounded_down_by_every_pool(name, shape):
    assert shape_at(name, (37, 35)) == shape
