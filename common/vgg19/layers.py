"""The layer table of VGG-19 (Simonyan and Zisserman 2014, configuration E, without the classifier)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from common.errors import RosettaError, did_you_mean

Pooling = Literal["max", "average"]

_CONVS_PER_BLOCK = (2, 2, 4, 4, 4)
_CHANNELS_PER_BLOCK = (64, 128, 256, 512, 512)


@dataclass(frozen=True)
class Layer:
    """One row of the table: a 3x3 convolution with zero padding 1, a ReLU, or a 2x2 pool with stride 2."""

    name: str
    kind: Literal["conv", "relu", "pool"]
    in_channels: int
    out_channels: int


def _build() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = 3
    for block, (convs, width) in enumerate(zip(_CONVS_PER_BLOCK, _CHANNELS_PER_BLOCK, strict=True), start=1):
        for index in range(1, convs + 1):
            layers.append(Layer(f"conv{block}_{index}", "conv", channels, width))
            layers.append(Layer(f"relu{block}_{index}", "relu", width, width))
            channels = width
        layers.append(Layer(f"pool{block}", "pool", width, width))
    return tuple(layers)


LAYERS: tuple[Layer, ...] = _build()
CONVS: tuple[Layer, ...] = tuple(layer for layer in LAYERS if layer.kind == "conv")
NAMES: tuple[str, ...] = tuple(layer.name for layer in LAYERS)


def layer(name: str) -> Layer:
    """The row of that name; raise RosettaError for a name that is not in the table."""
    return cut([name])[-1]


def shape_at(name: str, image_px: tuple[int, int]) -> tuple[int, int, int]:
    """Height, width and channels of a layer's feature map for an image of (height, width): pools round down."""
    rows, (height, width) = cut([name]), image_px
    halvings = sum(row.kind == "pool" for row in rows)
    return height >> halvings, width >> halvings, rows[-1].out_channels


def check_taps(taps: Iterable[str]) -> tuple[str, ...]:
    """Return the taps as a tuple without repeats; raise RosettaError for a name that is not in the table."""
    unique = tuple(dict.fromkeys(taps))
    for tap in unique:
        if tap not in NAMES:
            raise RosettaError(
                f"there is no layer {tap!r} in VGG-19{did_you_mean(tap, NAMES)}: taps are named convB_I, reluB_I or "
                "poolB, such as conv4_2 (before its ReLU) or relu4_2 (after it)"
            )
    return unique


def cut(taps: Iterable[str]) -> tuple[Layer, ...]:
    """The layers from the input down to the deepest tap, which is all that a trunk needs."""
    deepest = max((NAMES.index(tap) for tap in check_taps(taps)), default=-1)
    return LAYERS[: deepest + 1]


def smallest_side_px(taps: Iterable[str]) -> int:
    """The shortest image side in pixels that leaves at least one position at every tap."""
    return 1 << sum(layer.kind == "pool" for layer in cut(taps))
