"""A case from files, from pictures that are drawn at random, or from a problem."""

from pathlib import Path

import numpy as np

from common.doctor.case import Case
from common.doctor.pictures import Picture, read_picture
from common.images import Image, resize
from common.probe import probe
from common.problem import Problem
from common.spec.adjust import adam_of, lbfgs_of
from common.spec.recipe import Exactly, Recipe, Size, Stage
from common.weights import Weights

SMALL = Exactly(37, 34)  # odd and not square: nothing that is transposed or rounded hides


def case_from_files(content: Path, style: Path, recipe: Recipe, weights: Weights, size: Size = SMALL) -> Case:
    """Two pictures brought to a size; everything is evaluated at the content with some noise."""
    pictures = read_picture(content), read_picture(style)
    return _case(pictures, recipe, weights, size)


def random_case(seed: int, recipe: Recipe, weights: Weights, size: Size = SMALL) -> Case:
    """Two random pictures: coarse noise enlarged, so that neighbours are alike as in a photograph."""
    generator = np.random.default_rng(seed)
    pictures = (Picture(_random_picture(generator)), Picture(_random_picture(generator)))
    return _case(pictures, recipe, weights, size)


def _random_picture(generator: np.random.Generator) -> Image:
    height, width = (int(side) for side in generator.integers(50, 90, 2))
    coarse = resize(generator.random((9, 7, 3), np.float32), height, width)
    fine = generator.normal(0, 0.05, coarse.shape)
    eight_bits = np.rint(np.clip(coarse + fine, 0, 1) * 255) / 255
    return eight_bits.astype(np.float32)


def _case(pictures: tuple[Picture, Picture], recipe: Recipe, weights: Weights, size: Size) -> Case:
    content, style = pictures
    whole = Problem(content.decoded, style.decoded, recipe, weights, "float64")
    problem = whole.at(Stage(size, 1, recipe.stages[0].optimizer))
    return case_of(problem, content, style, probe(problem))


def case_at(problem: Problem, image: Image) -> Case:
    """A problem whose pictures have their size already, at an image."""
    return case_of(problem, Picture(problem.content), Picture(problem.style), image)


def case_of(problem: Problem, content: Picture, style: Picture, image: Image) -> Case:
    """A problem at its size with the recipe's optimisers, and the usual ones where it has none."""
    return Case(problem, content, style, image, adam_of(problem.recipe), lbfgs_of(problem.recipe))
