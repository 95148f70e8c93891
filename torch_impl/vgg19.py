"""The trunk of VGG-19, built from the table and cut after the deepest layer that is asked for."""

from collections.abc import Iterable

import torch
from torch import nn

from common.problem import Network
from common.vgg19 import Layer, check_taps, cut
from torch_impl.arrays import DTYPES, conv_to_native


class Trunk(nn.Module):
    """Maps a network input to the feature maps of the taps, by name; frozen."""

    def __init__(self, taps: Iterable[str], network: Network) -> None:
        super().__init__()
        self.taps, self.layer_dtype = check_taps(taps), DTYPES[network.layer_dtype]
        self.trunk_layers = nn.ModuleDict({layer.name: _module(layer, network) for layer in cut(self.taps)})
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Run the layers in order and keep what the taps name."""
        kept, dtype = {}, x.dtype
        for name, layer in self.trunk_layers.items():
            x = layer(x.to(self.layer_dtype))
            if name in self.taps:
                x = kept[name] = x.to(dtype)
        return {tap: kept[tap] for tap in self.taps}


def _module(layer: Layer, network: Network) -> nn.Module:
    if layer.kind == "relu":
        return nn.ReLU()  # not in place, or a tap before it would become the tap after it
    if layer.kind == "pool":
        return nn.MaxPool2d(2) if network.pooling == "max" else nn.AvgPool2d(2)
    size = (layer.in_channels, layer.out_channels, 3)
    conv: nn.Conv2d = nn.utils.skip_init(nn.Conv2d, *size, padding=1)  # type: ignore[no-untyped-call]
    conv.weight, conv.bias = map(nn.Parameter, conv_to_native(layer.name, network))
    return conv
