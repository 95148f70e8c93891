"""Affine maps between RGB in [0, 1] and the spaces in which networks and optimizers work."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Triple = tuple[float, float, float]
Family = Literal["caffe", "imagenet"]

# The mean of 255 * ImageNet's standard deviations: what one unit of a unit-variance input is in 0..255.
UNIT_VARIANCE_SCALE = 255 * (0.229 + 0.224 + 0.225) / 3


@dataclass(frozen=True)
class Preprocessing:
    """The map x = (scale * RGB - mean) / std, with the channels reversed afterwards when `bgr` is set.

    `mean` and `std` are in RGB order. The same value describes what a checkpoint was trained on and the
    pixel space of an optimized image: both are affine in RGB.
    """

    name: str
    scale: float
    mean: Triple
    std: Triple
    bgr: bool = False

    def apply(self, rgb: Array) -> NDArray[np.float64]:
        """Map RGB in [0, 1], shape (..., 3), into this space, in float64."""
        values = (np.asarray(rgb, np.float64) * self.scale - self.mean) / self.std
        return values[..., ::-1] if self.bgr else values

    def invert(self, values: Array) -> NDArray[np.float64]:
        """Map values of this space, shape (..., 3), back to RGB, in float64 and not clipped."""
        rgb_ordered = np.asarray(values, np.float64)[..., ::-1] if self.bgr else values
        return (np.asarray(rgb_ordered, np.float64) * self.std + self.mean) / self.scale

    def divided_by(self, factor: float) -> "Preprocessing":
        """The same space in larger units: every value divided by `factor`."""
        red, green, blue = (std * factor for std in self.std)
        return replace(self, std=(red, green, blue))


@dataclass(frozen=True)
class Affine:
    """The map from one space to another: reverse the channels if `reverse`, then factor * x + offset."""

    reverse: bool
    factor: Triple
    offset: Triple

    @property
    def is_identity(self) -> bool:
        """Whether the two spaces are the same."""
        return not self.reverse and self.factor == (1, 1, 1) and self.offset == (0, 0, 0)

    def apply(self, values: Array) -> Array:
        """Map values of shape (..., 3), in their precision."""
        ordered = values[..., ::-1] if self.reverse else values
        factor, offset = (np.asarray(triple, values.dtype) for triple in (self.factor, self.offset))
        mapped: Array = ordered * factor + offset
        return mapped

    def pull_back(self, gradient: Array) -> Array:
        """The gradient at the values from the gradient at what they are mapped to."""
        scaled: Array = gradient * np.asarray(self.factor, gradient.dtype)
        return scaled[..., ::-1] if self.reverse else scaled


def affine_between(source: Preprocessing, target: Preprocessing) -> Affine:
    """The map from values of `source` to values of `target`; factors are in the target's channel order."""
    if source == target:
        return Affine(False, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    black, white = target.apply(source.invert(np.stack([np.zeros(3), np.ones(3)])))
    red, green, blue = (float(value) for value in white - black)
    offset = (float(black[0]), float(black[1]), float(black[2]))
    return Affine(source.bgr != target.bgr, (red, green, blue), offset)


CAFFE = Preprocessing("caffe", 255.0, (123.68, 116.779, 103.939), (1.0, 1.0, 1.0), bgr=True)
IMAGENET = Preprocessing("imagenet", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
UNIT = Preprocessing("unit", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

SPACES: dict[str, Preprocessing] = {space.name: space for space in (CAFFE, IMAGENET, UNIT)}
