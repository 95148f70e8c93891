"""What a backend must offer, and the registry of those there are."""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from common.errors import RosettaError
from common.images import Image
from common.problem import Features, Mode, Network, Pixels, Problem
from common.recipes import Recipe, with_optimizer
from common.recorder import OnStep
from common.results import LossTerms, RunResult

OptimizerChoice = Literal["adam", "lbfgs", "recipe", "customary"]


@dataclass(frozen=True)
class DeviceMemory:
    """The most memory that was taken on a GPU; a framework may not tell what it reserved."""

    allocated_bytes: int
    reserved_bytes: int | None


class Objective(Protocol):
    """The loss of a problem as a function of the optimised variable, in native tensors, for those who time it."""

    def variable(self, pixels: Pixels) -> Any:
        """The optimised variable as a native tensor on the problem's device."""
        ...

    def evaluate(self, pixels: Pixels) -> tuple[LossTerms, Pixels]:
        """Every loss term and the gradient, as arrays (H, W, 3)."""
        ...

    def forward_terms(self, variable: Any) -> Any:
        """Every loss term from a forward pass in the problem's mode."""
        ...

    def terms_and_gradient(self, variable: Any) -> tuple[Any, Any]:
        """Every loss term, and the gradient, from one forward and one backward pass in the problem's mode."""
        ...

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        ...


class Backend(Protocol):
    """The functions that a backend's package exports; images are RGB in [0, 1] of shape (H, W, 3)."""

    def features(self, image: Image, taps: Iterable[str], network: Network) -> Features:
        """Feature maps of shape (H, W, C) by tap."""
        ...

    def tensors(self, image: Image, problem: Problem) -> Features:
        """Every tensor that the port doctor examines, by its name."""
        ...

    def evaluation_tensors(self, image: Image, problem: Problem, layers: Iterable[str]) -> Features:
        """The part of `tensors` that one evaluation computes, with the feature maps of some layers and of the taps."""
        ...

    def losses(self, image: Image, problem: Problem) -> LossTerms:
        """Every loss term at an image."""
        ...

    def value_and_grad(self, image: Image, problem: Problem) -> tuple[LossTerms, Pixels]:
        """The loss terms and the gradient with respect to the optimised variable."""
        ...

    def stylize(
        self, problem: Problem, init: Image | None = None, seed: int = 0, on_step: OnStep | None = None
    ) -> RunResult:
        """The whole transfer."""
        ...

    def Objective(self, problem: Problem) -> Objective:  # noqa: N802
        """The loss of a problem, ready to be evaluated."""
        ...

    def check_arithmetic(self, network: Network) -> None:
        """Raise RosettaError when the network's device does not have its precision."""
        ...

    def peak_memory(self, network: Network) -> DeviceMemory | None:
        """The most memory that was taken on the network's device; None for the CPU."""
        ...

    def environment(self, network: Network) -> dict[str, Any]:
        """Build, switches and threads that decide the framework's speed, as plain JSON values."""
        ...

    def matrix_product(self, size: int, network: Network) -> Callable[[], None]:
        """A function that multiplies two random (size, size) matrices in the network's arithmetic, and waits."""
        ...

    def versions(self) -> dict[str, str]:
        """The versions of the framework's packages."""
        ...


@dataclass(frozen=True)
class Entry:
    """One line of the registry; `optimizer` is customary with the framework, the first of `modes` is its default."""

    name: str
    label: str
    package: str
    optimizer: Literal["adam", "lbfgs"]
    modes: tuple[Mode, ...]

    @property
    def module(self) -> str:
        """The module that offers the functions of `Backend`."""
        return f"{self.package}.api"

    def with_optimizer(self, recipe: Recipe, choice: OptimizerChoice) -> Recipe:
        """The recipe with a chosen optimizer: a named one, the recipe's own, or the framework's customary one."""
        kind = self.optimizer if choice == "customary" else choice
        return recipe if kind == "recipe" else with_optimizer(recipe, kind)


BACKENDS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("torch", "PyTorch", "torch_impl", "adam", ("eager", "compiled")),
        Entry("keras", "Keras/TensorFlow", "keras_impl", "lbfgs", ("graph", "eager", "xla")),
    )
}


def load_backend(name: str) -> Backend:
    """Import a backend by its name; raise RosettaError when there is none or its framework is missing."""
    if name not in BACKENDS:
        raise RosettaError(f"there is no backend {name!r}: choose one of {', '.join(BACKENDS)}")
    entry = BACKENDS[name]
    try:
        return cast(Backend, importlib.import_module(entry.module))
    except ImportError as error:
        raise RosettaError(
            f"{entry.label} cannot be imported ({error}): install it with `python -m pip install -e .`"
        ) from None
