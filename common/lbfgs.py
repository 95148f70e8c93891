"""SciPy's L-BFGS with a budget of evaluations, each of which is one pass of the network for loss and gradient."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b

from common.errors import RosettaError
from common.recipes import LBFGS

Vector = NDArray[np.float64]
ValueAndGrad = Callable[[Vector], tuple[float, NDArray[np.floating]]]


class BudgetSpentError(Exception):
    """All evaluations have been used: `minimize` catches it."""


class Evaluator:
    """Evaluates at SciPy's points until the budget is spent, and keeps the point of the lowest loss."""

    def __init__(self, value_and_grad: ValueAndGrad, budget: int) -> None:
        self._value_and_grad, self._left = value_and_grad, budget
        self.best_loss = np.inf
        self.best_point: Vector | None = None

    def __call__(self, point: Vector) -> tuple[float, Vector]:
        """The loss and the gradient at a flat float64 point: flat, float64 and a copy, since SciPy keeps it."""
        if not self._left:
            raise BudgetSpentError
        self._left -= 1
        loss, gradient = self._value_and_grad(point)
        if loss < self.best_loss:
            self.best_loss, self.best_point = float(loss), point.copy()
        return float(loss), np.array(gradient, np.float64).ravel()


def minimize(
    value_and_grad: ValueAndGrad, start: NDArray[np.floating], optimizer: LBFGS, steps: int, factr: float = 0.0
) -> Vector:
    """Minimise from `start` with exactly `steps` evaluations, or fewer if no step lowers the loss any more.

    Returns the flat float64 point of the lowest loss seen. `factr` and `pgtol` are 0, because a float32 loss
    meets SciPy's defaults long before it has converged.
    """
    evaluator = Evaluator(value_and_grad, steps)
    point = np.asarray(start, np.float64).ravel()
    maxfun = steps if optimizer.maxfun is None else optimizer.maxfun
    try:
        while True:
            before, limits = evaluator.best_loss, {"maxfun": maxfun, "maxiter": steps}
            point, _, information = fmin_l_bfgs_b(
                evaluator, point, m=optimizer.memory, factr=factr, pgtol=0.0, **limits
            )
            stopped_by_maxfun = information["warnflag"] == 1
            if not stopped_by_maxfun or evaluator.best_loss >= before:
                break
    except BudgetSpentError:
        pass
    if evaluator.best_point is None:
        raise RosettaError("the loss is not finite at the start: check the loss weights and the initial image")
    return evaluator.best_point
