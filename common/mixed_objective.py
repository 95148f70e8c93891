"""An objective whose first evaluations are in bfloat16."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from common.objective import Objective, Recorded, Terms, Timing, Update
from common.points import Point
from common.problem import Pixels, Problem
from common.recipes import Adam
from common.results import LossTerms


class MixedObjective(Objective):
    """The objective of a problem, which computes its first `bfloat16_steps` evaluations in bfloat16.

    One network is held at a time: that of the problem's own precision is made when an evaluation needs the network.
    """

    def __init__(self, objective_of: Callable[[Problem], Objective], problem: Problem, bfloat16_steps: int) -> None:
        self._objective_of, self._problem, self._bfloat16_left = objective_of, problem, bfloat16_steps
        self._objective = objective_of(replace(problem, precision="bfloat16"))
        self._is_exact = False

    def variable(self, pixels: Pixels) -> Any:
        """The optimized variable as a native tensor on the problem's device."""
        return self._objective.variable(pixels)

    def to_numpy(self, tensor: Any) -> Pixels:
        """A native batch of one image or feature map as an array; a matrix as it is."""
        return self._objective.to_numpy(tensor)

    def to_floats(self, scalars: list[Any]) -> list[float]:
        """Native scalars as Python floats, fetched from the device at once."""
        return self._objective.to_floats(scalars)

    def adam(self, start: Point, settings: Adam) -> Update:
        """Adam's next steps, in float32 throughout."""
        return self._objective.adam(start, settings)

    def recorded(self, variable: Any, layers: Iterable[str]) -> Recorded:
        """The tensors of one forward and one backward pass in the problem's own precision."""
        return self._exact().recorded(variable, layers)

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term, from a forward pass in the problem's own precision."""
        return self._exact().loss_terms(pixels)

    def evaluate(self, pixels: Pixels, timing: Timing | None = None) -> tuple[LossTerms, Pixels]:
        """Every loss term and the gradient, as arrays (H, W, 3); `timing` is entered for the two passes."""
        return self._next().evaluate(pixels, timing)

    def forward_terms(self, variable: Any) -> Terms:
        """Every loss term from a forward pass in the problem's mode and precision."""
        return self._exact().forward_terms(variable)

    def terms_and_gradient(self, variable: Any) -> tuple[Terms, Any]:
        """Every loss term, and the gradient, from one forward and one backward pass in the problem's mode."""
        return self._next().terms_and_gradient(variable)

    def scope(self) -> AbstractContextManager[None]:
        """The context in which native tensors are made and computed."""
        return self._objective.scope()

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        self._objective.wait()

    def _next(self) -> Objective:
        if self._bfloat16_left == 0:
            return self._exact()
        self._bfloat16_left -= 1
        return self._objective

    def _exact(self) -> Objective:
        if not self._is_exact:
            del self._objective  # before the second network is made
            self._objective, self._is_exact = self._objective_of(self._problem), True
        return self._objective
