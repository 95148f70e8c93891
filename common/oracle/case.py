"""What is computed: a problem, the files of its pictures, and the image where it is evaluated; its tensors' shapes."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import OutOfMemoryError
from common.images import Image, extent_for, load_image, resize
from common.memory import MachineMemory
from common.oracle.pictures import Picture
from common.oracle.variant import Variant
from common.problem import Problem, probe
from common.recipes import Exactly, Recipe, Size, Stage
from common.tensors import Array, TensorName
from common.vgg19 import Weights, shape_at

Shape = tuple[int, ...]
_BYTES_OF_A_PIXEL = 43_000  # measured: every layer, forward and backward, in float64
_FEW_VALUES = 200 * 200 * 3  # of an image; measured at 150x100 px, two threads take three times the processor's time
SMALL = Exactly(37, 34)  # odd and not square: nothing that is transposed or rounded hides


@dataclass(frozen=True, eq=False)
class Case:
    """A problem at its size, the pictures before they were resized, and the image where everything is evaluated."""

    problem: Problem
    content: Picture
    style: Picture
    image: Image

    @property
    def is_small(self) -> bool:
        """Whether the maps of all layers take little memory, and threads wait for each other at each product."""
        return self.image.size < _FEW_VALUES

    @property
    def threads(self) -> int | None:
        """How many threads a product takes; None for all."""
        return 1 if self.is_small else None


def case_from_files(content: Path, style: Path, recipe: Recipe, weights: Weights, size: Size = SMALL) -> Case:
    """Two pictures brought to a size; everything is evaluated at the content with some noise."""
    return _case(Picture(load_image(content), content), Picture(load_image(style), style), recipe, weights, size)


def random_case(seed: int, recipe: Recipe, weights: Weights) -> Case:
    """Two random pictures: coarse noise enlarged, so that neighbours are alike as in a photograph."""
    generator = np.random.default_rng(seed)
    return _case(_random_picture(generator), _random_picture(generator), recipe, weights, SMALL)


def _random_picture(generator: np.random.Generator) -> Picture:
    height, width = (int(side) for side in generator.integers(50, 90, 2))
    coarse = resize(generator.random((9, 7, 3), np.float32), height, width)
    fine = generator.normal(0, 0.05, coarse.shape)
    eight_bits = np.rint(np.clip(coarse + fine, 0, 1) * 255) / 255
    return Picture(eight_bits.astype(np.float32))


def _case(content: Picture, style: Picture, recipe: Recipe, weights: Weights, size: Size) -> Case:
    height_px, width_px = extent_for(size, *content.decoded.shape[:2])
    needed, free = height_px * width_px * _BYTES_OF_A_PIXEL, MachineMemory.now().free_bytes
    if needed > free:
        side_px = math.floor(max(height_px, width_px) * math.sqrt(free / needed))
        raise OutOfMemoryError(
            f"every tensor at {height_px}x{width_px} px takes about {needed / 1e9:.0f} GB, and {free / 1e9:.0f} are "
            f"free: choose a smaller size, such as --size {side_px}"
        )
    whole = Problem(content.decoded, style.decoded, recipe, weights, "float64")
    problem = whole.at(Stage(size, 1, recipe.stages[0].optimizer))
    return Case(problem, content, style, probe(problem))


def case_at(problem: Problem, image: Image) -> Case:
    """A problem whose pictures have their size already, at an image; RosettaError for an image that does not fit."""
    case = Case(problem, Picture(problem.content), Picture(problem.style), image)
    problem.pixels(image)  # refuses what does not fit
    return case


def fits(name: str, array: Array, case: Case, variant: Variant) -> bool:
    """Whether an array can stand for a tensor: it has its shape, and finite values."""
    shape, parsed = shape_of(name, array, case, variant), TensorName.parse(name)
    if shape is None and parsed.tap:  # a map of whatever size, but of the layer's channels
        channels = layer_shape(layer_under(parsed, variant), case.problem.content.shape, variant)[2]
        shape = (*array.shape[:2], channels)
    return array.size > 0 and (shape is None or array.shape == shape) and bool(np.isfinite(array).all())


def shape_of(text: str, array: Array, case: Case, variant: Variant) -> Shape | None:
    """The shape that a tensor should have, given an array that stands for it, whose number of L-BFGS's points is free.

    None where the shape is not known, as that of a picture before it is resized, or after what takes a layer's place.
    """
    name, image, style = TensorName.parse(text), case.problem.content.shape, case.problem.style.shape
    if name.kind == "lbfgs/losses":
        return (array.size,)
    if name.kind.startswith("lbfgs/"):
        return (len(array) if array.ndim else 0, *image)
    if name.stage == "file" or (name.kind == "style/resized" and variant.own_style_size):
        return None
    if name.stage == "loss":
        return ()
    if variant.substitutes and name.tap and name.kind not in ("gram", "target/style"):
        return None
    if name.kind in ("gram", "target/style"):
        height, width, channels = tap_shape(name.tap, image if name.kind == "gram" else style, variant)
        side = height * width if variant.gram_of_positions else channels
        return side, side
    if name.kind == "style/resized":
        return style
    return layer_shape(layer_under(name, variant), image, variant) if name.tap else image


def layer_under(name: TensorName, variant: Variant) -> str:
    """The layer that a tensor at a tap is of."""
    taps = variant.recorded if name.kind in ("features", "gradient/features") else variant.taps
    return taps.get(name.tap, name.tap)


def tap_shape(tap: str, image: Shape, variant: Variant) -> Shape:
    """Height, width and channels of the layer that is taken for a tap."""
    return layer_shape(variant.taps.get(tap, tap), image, variant)


def layer_shape(layer: str, image: Shape, variant: Variant) -> Shape:
    """Height, width and channels of a layer's output."""
    side = -1 if variant.ceil_pooling else 1  # rounded down as a negative number, a size is rounded up
    height, width, channels = shape_at(layer, (side * image[0], side * image[1]))
    return side * height, side * width, channels
