"""A case in which rounding could turn a ReLU's sign, and the reference with it turned."""

from dataclasses import replace

import numpy as np
from shallow import shallow

from common.oracle.case import random_case
from common.oracle.run import Run
from common.oracle.variant import RIGHT
from common.vgg19.weights import random_weights

LAYER = "3_1"


def case_with_a_tie():
    """A case with a value within rounding of 0 before a ReLU, where much of the gradient passes; the layer, the place.

    The bias of a channel is moved by that value, and float32 keeps all but some 1e-8 of the move.
    """
    case = random_case(0, shallow("d2l"), random_weights(0))
    run = Run(case, RIGHT)
    gradient = np.abs(run.expected(f"gradient/features/relu{LAYER}"))
    place = np.unravel_index(np.argmax(gradient), gradient.shape)
    weights, own_unit = case.problem.weights, case.problem.weights.biases[f"conv{LAYER}"]
    bias, unit = own_unit.copy(), own_unit[place[2]] / case.problem.network.weights.biases[f"conv{LAYER}"][place[2]]
    bias[place[2]] -= unit * run.expected(f"features/conv{LAYER}")[place]
    moved = replace(weights, biases={**weights.biases, f"conv{LAYER}": bias})
    return replace(case, problem=replace(case.problem, weights=moved)), LAYER, place


def with_the_tie_turned(case, layer, place):
    """The reference, but for one ReLU's sign."""
    values = Run(case, RIGHT).expected(f"features/conv{layer}").copy()
    values[place] = -np.sign(values[place]) * 1e-30
    return Run(case, RIGHT, {f"features/conv{layer}": values})
