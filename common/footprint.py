"""What a framework takes of the memory on a CPU: a backend's entry says so, and `common.memory` estimates by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Keeps:
    """What an execution mode holds of the feature maps during an evaluation; by default much.

    Of the output of every ReLU and pool the mode keeps `maps`, 1 where automatic differentiation needs the map, 2 where
    the convolution's stays as well, else 0, and `relu_bytes` or `pool_bytes` for each value. The backward step of a
    layer takes `conv_maps` or `pool_maps` of the layer's input, with the result and without the gradient that comes in.
    The gradient of a style term takes `term_maps` of its tap where the gradients of all terms are computed before the
    network's, and 0 where each waits for its turn. The backward step of a convolution in float64 lays out `columns`
    values for each of its input. `compiler_bytes` is what a compiler takes.
    """

    maps: int = 1
    relu_bytes: int = 0
    pool_bytes: int = 8
    conv_maps: float = 2.0
    pool_maps: float = 2.0
    term_maps: float = 3.0
    columns: float = 9.0
    compiler_bytes: float = 0.0


@dataclass(frozen=True)
class Footprint:
    """What a framework takes in every mode; the defaults are high, for a backend that does not say.

    `base_bytes` is the process without weights and feature maps. The forward step of a convolution takes
    `forward_maps` of its output and, in float64, lays out `columns` values for each of its input. `slack` is the ratio
    of what the allocator holds to what is in use. `modes` has what each mode keeps.
    """

    base_bytes: float = 700e6
    forward_maps: float = 2.0
    columns: float = 9.0
    slack: float = 1.2
    modes: Mapping[str, Keeps] = field(default_factory=dict)

    def of_mode(self, mode: str) -> Keeps:
        """What a mode keeps."""
        return self.modes.get(mode, Keeps())
