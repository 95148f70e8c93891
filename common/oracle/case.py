"""What is computed: a problem with the files that its pictures come from and the image at which it is evaluated."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil

from common.errors import RosettaError
from common.images import Image, extent_for, load_image, resize
from common.oracle.pictures import Picture
from common.problem import Pixels, Problem, probe
from common.recipes import LBFGS, Adam, Exactly, Recipe, Size, Stage, adam_of, lbfgs_of
from common.vgg19 import Weights

_BYTES_OF_A_PIXEL = 43_000  # measured: every layer, forward and backward, in float64
SMALL = Exactly(37, 34)  # odd and not square: nothing that is transposed or rounded hides


@dataclass(frozen=True, eq=False)
class Case:
    """A problem at its size, the pictures before they were resized, and the image where everything is evaluated."""

    problem: Problem
    content: Picture
    style: Picture
    image: Image

    @cached_property
    def pixels(self) -> Pixels:
        """The image as the optimized variable."""
        return self.problem.pixels(self.image)

    @cached_property
    def adam(self) -> Adam:
        """The recipe's Adam, and the usual one where it has none."""
        return adam_of(self.problem.recipe)

    @cached_property
    def lbfgs(self) -> LBFGS:
        """The recipe's L-BFGS, and the usual one where it has none."""
        return lbfgs_of(self.problem.recipe)


def case_from_files(content: Path, style: Path, recipe: Recipe, weights: Weights, size: Size = SMALL) -> Case:
    """Two pictures brought to a size; everything is evaluated at the content with some noise."""
    return _case(Picture(load_image(content), content), Picture(load_image(style), style), recipe, weights, size)


def random_case(seed: int, recipe: Recipe, weights: Weights, size: Size = SMALL) -> Case:
    """Two random pictures: coarse noise enlarged, so that neighbours are alike as in a photograph."""
    generator = np.random.default_rng(seed)
    return _case(_random_picture(generator), _random_picture(generator), recipe, weights, size)


def _random_picture(generator: np.random.Generator) -> Picture:
    height, width = (int(side) for side in generator.integers(50, 90, 2))
    coarse = resize(generator.random((9, 7, 3), np.float32), height, width)
    fine = generator.normal(0, 0.05, coarse.shape)
    eight_bits = np.rint(np.clip(coarse + fine, 0, 1) * 255) / 255
    return Picture(eight_bits.astype(np.float32))


def _case(content: Picture, style: Picture, recipe: Recipe, weights: Weights, size: Size) -> Case:
    _check_memory(*extent_for(size, *content.decoded.shape[:2]))
    whole = Problem(content.decoded, style.decoded, recipe, weights, "float64")
    problem = whole.at(Stage(size, 1, recipe.stages[0].optimizer))
    return Case(problem, content, style, probe(problem))


def _check_memory(height_px: int, width_px: int) -> None:
    """Raise RosettaError where the reference's tensors do not fit."""
    needed, free = height_px * width_px * _BYTES_OF_A_PIXEL, psutil.virtual_memory().available
    if needed > free:
        raise RosettaError(
            f"every tensor at {height_px}x{width_px} px takes about {needed / 1e9:.0f} GB, and {free / 1e9:.0f} are "
            "free: choose a smaller size"
        )


def case_at(problem: Problem, image: Image) -> Case:
    """A problem whose pictures have their size already, at an image; RosettaError for an image that does not fit."""
    case = Case(problem, Picture(problem.content), Picture(problem.style), image)
    problem.pixels(image)  # refuses what does not fit
    return case
