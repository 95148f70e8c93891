"""How near an evaluation comes to what the machine can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SIZE = 1024
_PRODUCTS = 12
_SECONDS = 0.5
_LARGEST = 8192


@dataclass(frozen=True)
class Limit:
    """Floating-point operations of one evaluation, how many a second, and how many in a large matrix product."""

    flops: int
    flops_per_s: float
    ceiling_flops_per_s: float

    @property
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
