"""Where an optimizer is between two steps, as arrays: what one stage hands to the next."""

from dataclasses import dataclass, replace

from common.images import resample
from common.problem import Pixels


@dataclass(frozen=True, eq=False)
class Moments:
    """Adam's running means of the gradient and of its square, arrays (H, W, 3), after `steps` steps."""

    mean: Pixels
    square: Pixels
    steps: int

    def resized(self, height_px: int, width_px: int) -> "Moments":
        """The moments for the picture at another size, interpolated linearly.

        A loss that is a mean over positions gives a pixel less gradient, the more pixels there are: both means are
        scaled by the ratio of their numbers, the second by its square. Gram matrices that are sums ask for another
        scale, but at 160 px the loss of `pytorch-blog` falls faster with this one than with that of the gradients.
        """
        if self.mean.shape[:2] == (height_px, width_px):
            return self
        ratio = self.mean.shape[0] * self.mean.shape[1] / (height_px * width_px)
        mean, square = (resample(it, height_px, width_px, "bilinear") for it in (self.mean, self.square))
        return replace(self, mean=ratio * mean, square=ratio**2 * square)


@dataclass(frozen=True, eq=False)
class Point:
    """The optimized variable, an array (H, W, 3) in the recipe's pixel space, and Adam's moments where it has any."""

    pixels: Pixels
    moments: Moments | None = None
