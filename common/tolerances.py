"""How far two implementations of the same may be apart, each bound with its reason.

Float64 proves the algorithm: real differences are near 1e-15, and any mistake is far above the bound.
Float32 shows the rounding: 24 bits, over sums of up to a few million products. TF32 multiplies with 11 bits, bfloat16
with 8: their bounds only tell rounding from another network.
"""

from dataclasses import dataclass

from common.problem import Precision


@dataclass(frozen=True)
class Bounds:
    """The largest relative difference of each quantity.

    `gradient` holds where no decision (the sign at a ReLU, the choice in a max-pool window) has flipped,
    `gradient_flipped` where some may have.
    """

    features: float
    losses: float
    gradient: float
    gradient_flipped: float
    gradient_cosine_gap: float
    gradient_followed: float


# Measured: 1e-15 for all of them. The gradient is given more, since it adds up over all positions.
FLOAT64 = Bounds(
    features=1e-12,
    losses=1e-12,
    gradient=1e-10,
    gradient_flipped=1e-10,
    gradient_cosine_gap=1e-14,
    gradient_followed=1e-10,
)

# Measured: 1e-6 for all of them, since a Gram matrix sums millions of float32 products. But a ReLU's input, or the two
# largest values of a max-pool window, closer than the rounding send the gradient another way: 1e-4 to 1e-3 in the
# norm with no bug anywhere. Then the direction is judged, and so is the difference to an oracle that takes the
# implementation's own choices, which a bug cannot pass. Where these are not known, because the framework has fused the
# network or the image is too large for the oracle, the norm may differ by 2e-2, a little more than a cosine gap
# of 1e-4 allows (1.4e-2): a gradient of another length does not pass.
FLOAT32 = Bounds(
    features=1e-5, losses=1e-5, gradient=1e-4, gradient_flipped=2e-2, gradient_cosine_gap=1e-4, gradient_followed=1e-4
)


# The rounding of 11 bits is 5e-4. Measured on an H200, random weights, at 37x35 and at 341x512 from the backend's own
# float64: losses 1e-3, the gradient 3e-2 and its cosine gap 5e-4.
TF32 = Bounds(
    features=5e-3, losses=1e-2, gradient=5e-2, gradient_flipped=1e-1, gradient_cosine_gap=2e-3, gradient_followed=5e-2
)

# Measured at 37x50: features 5e-3, losses 5e-3, the gradient 5e-2 and its cosine gap 1.3e-3, most of it by flips.
BFLOAT16 = Bounds(
    features=2e-2, losses=5e-2, gradient=2e-1, gradient_flipped=3e-1, gradient_cosine_gap=1e-2, gradient_followed=2e-1
)


def bounds_for(precision: Precision) -> Bounds:
    """The bounds that hold in an arithmetic."""
    return {"float64": FLOAT64, "float32": FLOAT32, "tf32": TF32, "bfloat16": BFLOAT16}[precision]


# A term below this part of the total is the rounding of the point of evaluation (the content loss of the content
# itself, say), and its difference is taken relative to this part of the total.
NEGLIGIBLE_TERM = 1e-8

# 20 steps of the same optimizer in float64, for an image in 0..255: the largest difference of a pixel.
# Adam divides by the root of squared gradients and so multiplies rounding where the gradient is nearly 0.
TWENTY_STEPS_PX = 1e-6
