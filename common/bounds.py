"""How far two implementations of the same may be apart, each bound with its reason.

Float64 proves the algorithm: real differences are near 1e-15, and any mistake is far above the bound.
Float32 shows the rounding: 24 bits, over sums of up to a few million products.
"""

from dataclasses import dataclass

from common.problem import Precision


@dataclass(frozen=True)
class Bounds:
    """The largest relative difference of each quantity.

    `gradient` holds where no decision (the sign at a ReLU, the choice in a max-pool window) has flipped.
    """

    features: float
    losses: float
    gradient: float
    gradient_cosine_gap: float
    gradient_followed: float


# Measured: 1e-15 for all of them. The gradient is given more, since it adds up over all positions.
FLOAT64 = Bounds(features=1e-12, losses=1e-12, gradient=1e-10, gradient_cosine_gap=1e-14, gradient_followed=1e-10)

# Measured: 1e-6 for all of them, since a Gram matrix sums millions of float32 products. But a ReLU's input, or the two
# largest values of a max-pool window, closer than the rounding send the gradient another way: 1e-4 to 1e-3 in the
# norm with no bug anywhere. Then the norm is reported, the direction is judged, and so is the difference to an
# oracle that takes the implementation's own choices, which a bug cannot pass.
FLOAT32 = Bounds(features=1e-5, losses=1e-5, gradient=1e-4, gradient_cosine_gap=1e-4, gradient_followed=1e-4)


def bounds_for(precision: Precision) -> Bounds:
    """The bounds that hold in an arithmetic."""
    return FLOAT64 if precision == "float64" else FLOAT32


# A term below this part of the total is the rounding of the point of evaluation (the content loss of the content
# itself, say), and its difference is taken relative to this part of the total.
NEGLIGIBLE_TERM = 1e-8

# 20 steps of the same optimiser in float64, for an image in 0..255: the largest difference of a pixel.
# Adam divides by the root of squared gradients and so multiplies rounding where the gradient is nearly 0.
TWENTY_STEPS_PX = 1e-6
