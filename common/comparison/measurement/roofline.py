"""How many floating-point operations an evaluation takes, and how near it comes to what the machine can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.comparison.published import published
from common.recipes import Recipe
from common.vgg19 import cut, shape_at

_KERNEL_POSITIONS = 9
_SIZE = 1024
_PRODUCTS = 12
_SECONDS = 0.5
_LARGEST = 8192


@dataclass(frozen=True)
class Limit:
    """Floating-point operations: of one evaluation, a second, a second in a large matrix product, and at most.

    `product_flops_per_s` is what the row's interpreter reached, `ceiling_flops_per_s` the most that any row of its
    precision did: all of them are measured against the machine, and none against its own framework.
    """

    flops: int
    flops_per_s: float
    product_flops_per_s: float
    ceiling_flops_per_s: float

    @published
    def fraction(self) -> float:
        """The speed as a fraction of the ceiling; a convolution by fewer operations (Winograd) may pass 1."""
        return self.flops_per_s / self.ceiling_flops_per_s


def ceiling_flops_per_s(products_s: Callable[[int, int], Sequence[float]]) -> float:
    """The fastest matrix product of a series; `products_s(size, count)` measures some.

    The matrices grow until a product is long enough to fill the device.
    """
    size = _SIZE
    while size < _LARGEST and min(products_s(size, 3)) < _SECONDS / _PRODUCTS:
        size *= 2
    return 2 * size**3 / min(products_s(size, _PRODUCTS))


def evaluation_flops(recipe: Recipe, height_px: int, width_px: int) -> int:
    """The operations of one forward pass and of the gradient with respect to the image.

    A multiplication and an addition count as two. Counted are the convolutions, each once forward and once for the
    gradient of its input (the kernels are frozen), and the products of the Gram matrices, F^T F forward and
    F (G - A) backward; all else is below a percent.
    """
    return 2 * forward_flops(recipe, height_px, width_px)


def forward_flops(recipe: Recipe, height_px: int, width_px: int) -> int:
    """The operations of the convolutions and Gram matrices of one forward pass."""
    flops = 0
    for layer in cut(recipe.taps):
        height, width, _ = shape_at(layer.name, (height_px, width_px))
        positions = height * width
        if layer.kind == "conv":
            flops += 2 * positions * _KERNEL_POSITIONS * layer.in_channels * layer.out_channels
        if layer.name in recipe.style_taps:
            flops += 2 * positions * layer.out_channels**2
    return flops
