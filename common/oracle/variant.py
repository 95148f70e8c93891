"""How a port computes: the reference, with the fields changed that one or more traps change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from common.oracle.faults import UNCHANGED, Faults, GramNorm
from common.vgg19 import Preprocessing

Orientation = Literal[
    "upright", "turned left", "turned right", "upside down", "mirrored", "flipped", "transposed", "transversed"
]
Transparency = Literal["over white", "over black", "ignored"]
Scrambled = Literal["no", "NCHW read as NHWC", "NHWC read as NCHW"]
Std = Literal["right", "forgotten", "forgotten, in 0..255", "ImageNet's of 255", "ImageNet's of 1"]
Repeated = Literal["no", "with the channels", "without the channels", "the means alone"]
Saved = Literal["rounded", "truncated", "stretched", "stretched, truncated"]

Changes = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Variant(Faults):
    """What a port does: the faults of its network and loss, and those before and after; every default is right.

    `taps` has the layer that is recorded under a name, where that is another.
    """

    # From a file to RGB of the right size.
    roles: tuple[str, ...] = ("content", "style")
    orientation: Orientation = "upright"
    bgr_decoded: bool = False
    transparency: Transparency = "over white"
    palette_indices: bool = False
    filter: str = "lanczos"
    eight_bits: bool = False
    # From RGB to the network's input.
    scrambled: Scrambled = "no"
    bgr_file: bool = False
    unordered: bool = False
    swapped_means: bool = False
    scale: float = 1.0
    std: Std = "right"
    repeated: Repeated = "no"
    in_pixels: bool = False
    space: Preprocessing | None = None
    own_unit: bool = False
    # Names, and what is handed over of the loss.
    taps: Mapping[str, str] = field(default_factory=lambda: UNCHANGED)
    gram_handed: GramNorm = "M"
    own_style_size: bool = False
    # The optimizers.
    flat_chw: bool = False
    epsilon: float | None = None
    epsilon_hat: bool | None = None
    rate_scale: float = 1.0
    factr: float | None = None
    maxfun: int | None = None
    clamped: bool = False
    # The file.
    saved: Saved = "rounded"

    def changed(self, changes: Changes) -> "Variant | None":
        """The same with more changes; factors multiply, and None where two changes do not go together."""
        merged: dict[str, Any] = {}
        for name, value in changes.items():
            old, right = getattr(self, name), getattr(RIGHT, name)
            if isinstance(value, Mapping):
                merged[name] = _merged(old, value)
            elif value in (old, right):
                merged[name] = old
            elif old == right:
                merged[name] = value
            elif name in _FACTORS:
                merged[name] = old * value
            else:
                return None
        both = {**vars(self), **merged}
        if both["gram_of_positions"] and both["own_style_size"]:
            return None  # matrices of two sizes, which have no difference, and which fill the memory
        return replace(self, **merged)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: old[name] * new[name] for name in old.keys() & new.keys() if isinstance(new[name], float)}
    return {**old, **new, **both}


_FACTORS = ("scale", "pool_scale", "rate_scale")
RIGHT = Variant()
