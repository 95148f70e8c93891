"""Ends a run that diverges: a loss or a gradient is not finite, or the loss stays far above its first value."""

import math

import numpy as np

from common.errors import DivergedError
from common.problem import Pixels, Problem
from common.recipes import Adam
from common.results import LossTerms
from common.vgg19 import LAYERS

_TIMES, _IN_A_ROW = 100, 10


def check_finite(problem: Problem, losses: LossTerms, evaluation: int, gradient: Pixels | None = None) -> None:
    """Raise DivergedError for a loss, or a gradient, that is not finite, with the first term that is not."""
    if not math.isfinite(losses.total):
        term, value = _first(losses)
        raise DivergedError(f"{term} is {value} at evaluation {evaluation}: {_advice(problem)}")
    if gradient is not None and not np.isfinite(gradient).all():
        raise DivergedError(f"the gradient is not finite at evaluation {evaluation}: {_advice(problem)}")


class Growth:
    """Sees that the loss of a stage is far above its `first` one, many times in a row."""

    def __init__(self, first: float | None = None) -> None:
        self._first = first
        self._in_a_row = 0

    def check(self, problem: Problem, losses: LossTerms, evaluation: int) -> None:
        """Raise DivergedError at the 10th loss in a row that is 100 times the first one or more."""
        if self._first is None:
            self._first = losses.total
        is_far = losses.total > _TIMES * self._first > 0
        self._in_a_row = self._in_a_row + 1 if is_far else 0
        if self._in_a_row == _IN_A_ROW:
            raise DivergedError(
                f"the loss grew from {self._first:.4g} to {losses.total:.4g} at evaluation {evaluation}: "
                f"{_advice(problem)}"
            )


def _first(losses: LossTerms) -> tuple[str, float]:
    """The first term that is not finite on the way through the network, or the sum, where each term is finite."""
    terms = [("total variation", losses.tv)]
    kinds = {"content": losses.content, "style": losses.style}
    for layer in LAYERS:
        terms += [
            (f"the {kind} loss of {layer.name}", of[layer.name]) for kind, of in kinds.items() if layer.name in of
        ]
    return next(((name, value) for name, value in terms if not math.isfinite(value)), ("the loss", losses.total))


def _advice(problem: Problem) -> str:
    weights = problem.weights
    if not weights.is_published:
        return f"the weights {weights.name} are not the published ones (by their sha256): check them first"
    lower = "lower the weights of the losses (--style-weight, --content-weight, --tv-weight)"
    if problem.precision in ("bfloat16", "tf32") or len(problem.networks) > 1:
        return f"use --precision float32, or {lower}"
    by_adam = any(isinstance(stage.optimizer, Adam) for stage in problem.recipe.stages)
    return f"{lower}, or use --optimizer lbfgs" if by_adam else lower
