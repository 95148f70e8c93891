"""What may be wrong in a network and its loss, as an argument of the oracle's functions: every default is right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any, Literal

from numpy.typing import NDArray

from common.vgg19 import Pooling, Weights

Array = NDArray[Any]
Kernels = Literal[
    "right", "HWIO read as OIHW", "OIHW read as HWIO", "transposed in space", "flipped", "flipped in inputs"
]
Padding = Literal["zero", "replicate", "reflect"]
Arithmetic = Literal["exact", "tf32", "bfloat16", "float16"]
GramNorm = Literal["M", "none", "M C", "C"]
TvForm = Literal["none", "mean_abs", "sum_abs", "power", "sum_squares", "mean_squares"]
TvSpace = Literal["right", "of 255", "of 1", "normalised"]

ALL = "all"
UNCHANGED: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Faults:
    """How a network and its loss differ from the right ones.

    `kernels` concerns `only_layer`, if that is named; `dropped_bias` is a convolution, or `ALL`. Mappings are by tap or
    by loss term, such as `style/relu1_1`, or kind of term, and hold only what is wrong.
    """

    weights: Weights | None = None
    kernels: Kernels = "right"
    dropped_bias: str | None = None
    only_layer: str | None = None
    padding: Padding = "zero"
    other_pooling: bool = False
    pool_scale: float = 1.0
    ceil_pooling: bool = False
    arithmetic: Arithmetic = "exact"
    bias_apart: bool = False
    gram_norm: GramNorm = "M"
    gram_of_positions: bool = False
    target_scale: Mapping[str, float] = field(default_factory=lambda: UNCHANGED)
    term_scale: Mapping[str, float] = field(default_factory=lambda: UNCHANGED)
    tv_form: TvForm | None = None
    tv_space: TvSpace = "right"

    def pooling(self, right: Pooling) -> Pooling:
        """The pooling that takes the place of the right one."""
        if not self.other_pooling:
            return right
        return "average" if right == "max" else "max"

    def term_factor(self, term: str) -> float:
        """What a term, such as `style/relu1_1`, is multiplied by: the factors of the term and of its kind."""
        kind = term.split("/")[0]
        return float(prod(self.term_scale.get(name, 1.0) for name in {term, kind}))


NO_FAULTS = Faults()
