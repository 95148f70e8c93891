"""How many floating-point operations one evaluation takes, counted from the layer table."""

from common.recipes import Recipe
from common.vgg19 import cut

_KERNEL_POSITIONS = 9


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
        if layer.kind == "pool":
            height_px, width_px = height_px // 2, width_px // 2
        positions = height_px * width_px
        if layer.kind == "conv":
            flops += 2 * positions * _KERNEL_POSITIONS * layer.in_channels * layer.out_channels
        if layer.name in recipe.style_taps:
            flops += 2 * positions * layer.out_channels**2
    return flops
