"""SciPy's L-BFGS over an `Evaluator`: one pass of the network serves both the loss and the gradient."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b
from threadpoolctl import ThreadpoolController

from common.errors import RosettaError
from common.recipes import LBFGS

Vector = NDArray[np.float64]
ValueAndGrad = Callable[[Vector], tuple[float, NDArray[np.floating]]]


class BudgetSpentError(Exception):
    """All evaluations have been used, or no more are needed: `minimize` catches it."""


def _never() -> bool:
    return False


class Evaluator:
    """Answers SciPy's separate calls for loss and gradient from one evaluation, as the Keras notebook does.

    Keeps the point of the lowest loss, for when the budget ends in the middle of a line search.
    """

    def __init__(self, value_and_grad: ValueAndGrad, budget: int, is_enough: Callable[[], bool] = _never) -> None:
        self._value_and_grad = value_and_grad
        self._budget = budget
        self._is_enough = is_enough
        self._point: Vector | None = None
        self._loss = np.inf
        self._gradient: Vector = np.empty(0)
        self.evaluations = 0
        self.best_loss = np.inf
        self.best_point: Vector | None = None

    def loss(self, point: Vector) -> float:
        """The loss at a flat float64 point."""
        self._evaluate(point)
        return self._loss

    def grads(self, point: Vector) -> Vector:
        """The gradient at a flat float64 point: flat, float64 and a copy, since SciPy keeps it."""
        self._evaluate(point)
        return self._gradient.copy()

    def forget(self) -> None:
        """Drop the last evaluation: a restart evaluates its start again, as the Keras notebook's does."""
        self._point = None

    def _evaluate(self, point: Vector) -> None:
        if self._point is not None and np.array_equal(point, self._point):
            return
        if self.evaluations == self._budget or self._is_enough():
            raise BudgetSpentError
        loss, gradient = self._value_and_grad(point)
        self.evaluations += 1
        self._point, self._loss = point.copy(), float(loss)
        self._gradient = np.asarray(gradient, np.float64).ravel()
        if self._loss < self.best_loss:
            self.best_loss, self.best_point = self._loss, self._point


def minimize(
    value_and_grad: ValueAndGrad,
    start: NDArray[np.floating],
    optimizer: LBFGS,
    steps: int,
    factr: float = 0.0,
    is_enough: Callable[[], bool] = _never,
) -> Vector:
    """Minimise from `start` with exactly `steps` evaluations, or fewer if no step lowers the loss any more.

    `is_enough` is asked before each further evaluation, and ends the run where it says so.

    With `optimizer.maxfun` SciPy is called again and again, each time with an empty memory.
    Returns the flat float64 point of the lowest loss seen. `factr` and `pgtol` are 0, because a float32 loss
    meets SciPy's defaults long before it has converged.
    """
    evaluator = Evaluator(value_and_grad, steps, is_enough)
    point = np.asarray(start, np.float64).ravel()
    settings = {"m": optimizer.memory, "factr": factr, "pgtol": 0.0, "maxiter": steps}
    settings["maxfun"] = steps if optimizer.maxfun is None else optimizer.maxfun
    with suppress(BudgetSpentError), _one_thread_in_scipy():
        while True:
            before = evaluator.best_loss
            evaluator.forget()
            point, _, information = fmin_l_bfgs_b(evaluator.loss, point, fprime=evaluator.grads, **settings)
            stopped_by_maxfun = information["warnflag"] == 1
            if not stopped_by_maxfun or evaluator.best_loss >= before:
                break
    if evaluator.best_point is None:
        raise RosettaError("the loss is not finite at the start: check the loss weights and the initial image")
    return evaluator.best_point


def _one_thread_in_scipy() -> AbstractContextManager[object]:
    """The context in which the OpenBLAS of SciPy's and NumPy's packages uses one thread.

    After each step its threads wait for the next in a loop, on the processors that the framework then evaluates on:
    with two processors an evaluation took a fifth longer. With one thread the sums have one order, too. A library that
    a framework brings keeps its threads.
    """
    limited: AbstractContextManager[object] = ThreadpoolController().select(prefix="libscipy_openblas").limit(limits=1)
    return limited
