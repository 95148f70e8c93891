"""How a port computes: the reference, with the fields changed that one or more traps change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Literal

from common.tensors import Array
from common.vgg19 import Pooling, Preprocessing

Orientation = Literal[
    "upright", "turned left", "turned right", "upside down", "mirrored", "flipped", "transposed", "transversed"
]
Scrambled = Literal["no", "NCHW read as NHWC", "NHWC read as NCHW"]
Kernels = Literal[
    "right", "HWIO read as OIHW", "OIHW read as HWIO", "transposed in space", "flipped", "flipped in inputs"
]
Padding = Literal["zero", "replicate", "reflect"]
Arithmetic = Literal["exact", "tf32", "bfloat16", "float16"]
GramNorm = Literal["M", "none", "M C", "C"]
TvForm = Literal["none", "mean_abs", "sum_abs", "power", "sum_squares", "mean_squares"]
TvSpace = Literal["right", "of 255", "of 1", "normalised"]
Backward = Literal[
    "right",
    "guided",
    "deconvolved",
    "through every ReLU",
    "undivided averages",
    "averaged maxima",
    "first of the window",
    "last of the window",
    "all of the window",
    "unturned kernels",
]
OwnUnit = Literal["no", "input and biases", "input", "biases"]
Saved = Literal["rounded", "truncated", "stretched", "stretched, truncated"]

Changes = Mapping[str, Any]
ALL = "all"
PREPROCESSING = ("scrambled", "bgr_file", "unordered", "means", "scale", "std", "repeated", "in_pixels")
_FACTORS = ("scale", "pool_scale", "rate_scale")


@dataclass(frozen=True, eq=False)
class Substitute:
    """A function of a layer's input (h, w, C) that takes the layer's place.

    `by_value` says that each output depends on the input of its own place alone: then the gradient is known, too.
    """

    function: Callable[[Array], Array]
    by_value: bool = False


@dataclass(frozen=True, eq=False)
class Variant:
    """What a port does; every default is right.

    Mappings hold only what is wrong: by tap or by loss term, such as `style/relu1_1`, or kind of term.
    """

    # From a file to RGB of the right size.
    roles: tuple[str, ...] = ("content", "style")
    orientation: Orientation = "upright"
    bgr_decoded: bool = False
    transparency: Literal["over white", "over black", "ignored"] = "over white"
    palette_indices: bool = False
    filter: str = "lanczos"
    eight_bits: bool = False
    own_style_size: bool = False
    # From RGB to the network's input.
    scrambled: Scrambled = "no"
    bgr_file: bool = False
    unordered: bool = False
    means: Literal["right", "exchanged", "left out"] = "right"
    scale: float = 1.0
    std: Literal["right", "forgotten", "forgotten, in 0..255", "ImageNet's of 255", "ImageNet's of 1"] = "right"
    repeated: Literal["no", "with the channels", "without the channels", "the means alone"] = "no"
    in_pixels: bool = False
    pictures: tuple[str, ...] | None = None  # those that are preprocessed wrongly; None for all, the image too
    space: Preprocessing | None = None
    own_unit: OwnUnit = "no"
    # The network. `kernels` concerns `only_layer`, if that is named; `dropped_bias` is a convolution, or `ALL`.
    kernels: Kernels = "right"
    dropped_bias: str | None = None
    only_layer: str | None = None
    padding: Padding = "zero"
    other_pooling: bool = False
    pool_scale: float = 1.0
    ceil_pooling: bool = False
    arithmetic: Arithmetic = "exact"
    bias_apart: bool = False
    arithmetic_of: Literal["all", "inputs"] = "all"  # of what the convolutions multiply
    taps: Mapping[str, str] = field(default_factory=dict)  # the layer that is taken for a tap
    own_names: bool = False  # feature maps and their gradients are recorded under the layer's name, not the tap's
    substitutes: Mapping[str, Substitute] = field(default_factory=dict)  # by layer
    # The loss, and what is handed over of it.
    gram_norm: GramNorm = "M"
    gram_of_positions: bool = False
    own_sizes: bool = False  # factors are of the sizes that the maps have, where another layer makes these others
    gram_form: Callable[[Array], Array] | None = None  # of a feature map; its gradient is not known
    gram_handed: GramNorm = "M"
    target_scale: Mapping[str, float] = field(default_factory=dict)
    term_scale: Mapping[str, float] = field(default_factory=dict)
    tv_form: TvForm | None = None
    tv_space: TvSpace = "right"
    # The gradient.
    backward: Backward = "right"
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

    def arithmetic_for(self, what: Literal["weights", "inputs", "outputs"]) -> Arithmetic:
        """The arithmetic that weights, a convolution's inputs, or a layer's outputs are rounded to."""
        return self.arithmetic if self.arithmetic_of in ("all", what) else "exact"

    @property
    def recorded(self) -> Mapping[str, str]:
        """The layer whose feature map is recorded under a name, where it is another."""
        return {} if self.own_names else self.taps

    @property
    def has_gradient(self) -> bool:
        """Whether the gradient is known: of what takes a layer's place, where it is an activation."""
        return self.gram_form is None and all(substitute.by_value for substitute in self.substitutes.values())

    def pooling(self, right: Pooling) -> Pooling:
        """The pooling that takes the place of the right one."""
        if not self.other_pooling:
            return right
        return "average" if right == "max" else "max"

    @property
    def _is_preprocessed_wrongly(self) -> bool:
        return any(getattr(self, name) != getattr(RIGHT, name) for name in PREPROCESSING)

    def term_factor(self, term: str) -> float:
        """What a term, such as `style/relu1_1`, is multiplied by: the factors of the term and of its kind."""
        kind = term.split("/")[0]
        return float(prod(self.term_scale.get(name, 1.0) for name in {term, kind}))

    def changed(self, changes: Changes) -> "Variant | None":
        """The same with more changes; factors multiply, and None where two changes do not go together."""
        preprocessed = self._is_preprocessed_wrongly and changes.keys() & {*PREPROCESSING, "pictures"}
        if preprocessed and changes.get("pictures") != self.pictures:
            return None
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
        variant = replace(self, **merged)
        # Matrices of two sizes have no difference, and fill the memory.
        return None if variant.gram_of_positions and variant.own_style_size else variant


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: old[name] * new[name] for name in old.keys() & new.keys() if isinstance(new[name], float)}
    return {**old, **new, **both}


RIGHT = Variant()
