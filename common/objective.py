"""What the optimizers minimise, as both backends offer it."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from common.problem import Pixels
from common.results import LossTerms

Timing = AbstractContextManager[None]


class Objective(Protocol):
    """The loss of a problem as a function of the optimized variable, in native tensors, to be minimised and timed."""

    def variable(self, pixels: Pixels) -> Any:
        """The optimized variable as a native tensor on the problem's device."""

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term, from a forward pass."""

    def evaluate(self, pixels: Pixels, timing: Timing | None = None) -> tuple[LossTerms, Pixels]:
        """Every loss term and the gradient, as arrays (H, W, 3); `timing` is entered for the two passes."""

    def forward_terms(self, variable: Any) -> Any:
        """Every loss term from a forward pass in the problem's mode."""

    def terms_and_gradient(self, variable: Any) -> tuple[Any, Any]:
        """Every loss term, and the gradient, from one forward and one backward pass in the problem's mode."""

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
