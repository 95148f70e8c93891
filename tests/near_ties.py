"""A case in which rounding could turn a ReLU's sign, and the reference with it turned."""

import numpy as np

from common import RECIPES
from common.oracle.case import random_case
from common.oracle.run import Run
from common.oracle.variant import RIGHT
from common.vgg19.weights import random_weights


def case_with_a_tie():
    """The first random case that has a value within rounding of 0 before a ReLU of the last blocks, and where."""
    for seed in range(100):
        case = random_case(seed, RECIPES["d2l"], random_weights(0))
        run = Run(case, RIGHT)
        for layer in ("3_1", "3_2", "3_3", "4_1", "4_2"):
            values = run.expected(f"features/conv{layer}")
            place = np.unravel_index(np.argmin(np.abs(values)), values.shape)
            if abs(values[place]) < 1e-6 * np.sqrt(np.mean(values**2)):
                return case, layer, place
    raise AssertionError("no case has one")


def with_the_tie_turned(case, layer, place):
    """The reference, but for one ReLU's sign."""
    values = Run(case, RIGHT).expected(f"features/conv{layer}").copy()
    values[place] = -np.sign(values[place]) * 1e-30
    return Run(case, RIGHT, {f"features/conv{layer}": values})
