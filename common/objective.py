"""What the optimizers minimise and the doctor looks into: the one class that a backend has to write."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, Protocol

from common.errors import RosettaError
from common.points import Moments, Point
from common.problem import Pixels, Problem
from common.recipes import Adam
from common.results import LossTerms

Timing = AbstractContextManager[None]
Scope = AbstractContextManager[None]


class Terms(NamedTuple):
    """Every weighted loss term as a native scalar: content and style by tap, and total variation."""

    content: Mapping[str, Any]
    style: Mapping[str, Any]
    tv: Any


class Recorded(NamedTuple):
    """The native tensors of one forward and one backward pass: maps by layer, Gram matrices and gradients by tap."""

    network_input: Any
    features: Mapping[str, Any]
    grams: Mapping[str, Any]
    terms: Terms
    at_taps: Mapping[str, Any]
    at_pixels: Any


class Update(Protocol):
    """Adam over one variable; a call takes a step."""

    @property
    def variable(self) -> Any:
        """The variable as a native tensor."""

    def __call__(self, gradient: Any) -> None:
        """Take the next step, by the gradient at the variable."""

    def moments(self) -> Moments | None:
        """What has been gathered so far, to go on from; None where the framework keeps that to itself."""


class Objective(ABC):
    """The loss of a problem as a function of the optimized variable, in native tensors, to be minimised and timed.

    `content` and `style` are the targets by tap, computed once. What is named an array is of NumPy and (H, W, C).
    """

    content: Mapping[str, Any]
    style: Mapping[str, Any]

    @abstractmethod
    def __init__(self, problem: Problem) -> None:
        """Build the network on the problem's device and compute the targets; RosettaError for an unknown mode."""

    @abstractmethod
    def variable(self, pixels: Pixels) -> Any:
        """An array as a native tensor on the network's device."""

    @abstractmethod
    def to_numpy(self, tensor: Any) -> Pixels:
        """A native batch of one image or feature map as an array; a matrix as it is."""

    @abstractmethod
    def to_floats(self, scalars: list[Any]) -> list[float]:
        """Native scalars as Python floats, fetched from the device at once."""

    @abstractmethod
    def forward_terms(self, variable: Any) -> Terms:
        """Every loss term from a forward pass in the problem's mode, with nothing kept for a gradient."""

    @abstractmethod
    def terms_and_gradient(self, variable: Any) -> tuple[Terms, Any]:
        """Every loss term, and the gradient of their sum, from one forward and one backward pass in the mode."""

    @abstractmethod
    def recorded(self, variable: Any, layers: Iterable[str]) -> Recorded:
        """The tensors of one forward and one backward pass, with the feature maps of `layers` and the taps."""

    @abstractmethod
    def adam(self, start: Point, settings: Adam) -> Update:
        """Adam's next steps: from the start's moments on in the textbook form, else from its first."""

    @abstractmethod
    def wait(self) -> None:
        """Return when the device has done all that it was given."""

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term at an array, from a forward pass; the mode may be another, where the problem's compiles."""
        return self.numbers(self.forward_terms(self.variable(pixels)))

    def evaluate(self, pixels: Pixels, timing: Timing | None = None) -> tuple[LossTerms, Pixels]:
        """Every loss term and the gradient, from and as arrays (H, W, 3); `timing` is entered for the two passes."""
        variable = self.variable(pixels)
        self.wait()
        with timing or nullcontext():
            terms, gradient = self.terms_and_gradient(variable)
            losses = self.numbers(terms)
            self.wait()
        return losses, self.to_numpy(gradient)

    def numbers(self, terms: Terms) -> LossTerms:
        """Native terms as Python floats."""
        values = iter(self.to_floats([*terms.content.values(), *terms.style.values(), terms.tv]))
        content, style = ({tap: next(values) for tap in taps} for taps in (terms.content, terms.style))
        return LossTerms(content, style, next(values))

    def scope(self) -> Scope:
        """The context in which native tensors are made and computed, on the network's device and in its arithmetic.

        Whoever takes Adam's steps or reads tensors enters it; the methods that compute enter it themselves.
        """
        return nullcontext()


def check_objective(written: type, features: object) -> None:
    """Raise RosettaError for a class that is no whole `Objective`, and for `features` that are no function."""
    if not (isinstance(written, type) and issubclass(written, Objective)):
        raise RosettaError(f"{written!r} does not derive from common.objective.Objective: let it")
    if lacking := sorted(written.__abstractmethods__):
        raise RosettaError(f"{written.__module__}.{written.__name__} lacks {', '.join(lacking)}: write them")
    if not callable(features):
        raise RosettaError(f"{written.__module__}.features is no function, but {features!r}: write one")
