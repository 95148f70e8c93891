"""The optimisers' steps as a variant takes them, from losses and gradients that are given."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from common.doctor.reference.variant import Variant
from common.errors import RosettaError
from common.lbfgs import minimize
from common.recipes import LBFGS, Adam
from common.tensors import Array

Answer = Callable[[int, Array], tuple[float, Array]]
Seen = Callable[[Array], Array]


def adam_update(gradients: Sequence[Array], adam: Adam, variant: Variant) -> Array:
    """What the last of some steps subtracts from the variable, given every gradient so far (Kingma and Ba 2014)."""
    first = second = np.zeros(gradients[0].shape)
    for gradient in gradients:
        first = adam.beta1 * first + (1 - adam.beta1) * gradient
        second = adam.beta2 * second + (1 - adam.beta2) * np.square(gradient, dtype=np.float64)
    step = len(gradients)
    corrections = 1 - adam.beta1**step, 1 - adam.beta2**step
    epsilon = adam.epsilon if variant.epsilon is None else variant.epsilon
    if variant.epsilon_hat:
        epsilon /= np.sqrt(corrections[1])
    rate = adam.rate_at(step - 1) * variant.rate_scale
    return np.asarray(rate * (first / corrections[0]) / (np.sqrt(second / corrections[1]) + epsilon))


class _EnoughError(Exception):
    """As many points as were asked for have been seen."""


def lbfgs_points(start: Array, answer: Answer, count: int, lbfgs: LBFGS, variant: Variant, seen: Seen) -> Array:
    """The points that SciPy asks for, flat, shape (at most `count`, n), when it is answered by number and point.

    `seen` is what the port makes of a point before it evaluates it.
    """
    points: list[Array] = []

    def value_and_grad(point: Array) -> tuple[float, Array]:
        if len(points) == count:
            raise _EnoughError
        points.append(seen(point))
        return answer(len(points) - 1, points[-1])

    maxfun = lbfgs.maxfun if variant.maxfun is None else variant.maxfun
    with suppress(_EnoughError, RosettaError):
        minimize(value_and_grad, start, replace(lbfgs, maxfun=maxfun), count + 1, variant.factr or 0.0)
    return np.stack(points)
