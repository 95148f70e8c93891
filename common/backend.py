"""What a backend must offer, and the registry of those there are."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, cast

from common.errors import RosettaError
from common.images import Image
from common.problem import Features, Network, Pixels, Problem
from common.results import LossTerms, RunResult
from common.transfer import OnStep


class Backend(Protocol):
    """The functions that a backend's package exports; images are RGB in [0, 1] of shape (H, W, 3)."""

    def features(self, image: Image, taps: Iterable[str], network: Network) -> Features:
        """Feature maps of shape (H, W, C) by tap."""
        ...

    def trace(self, image: Image, taps: Iterable[str], problem: Problem) -> Features:
        """Feature maps by tap as `value_and_grad` sees them."""
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

    def versions(self) -> dict[str, str]:
        """The versions of the framework's packages."""
        ...


@dataclass(frozen=True)
class Entry:
    """One line of the registry; `optimizer` is the one that is customary with the framework."""

    name: str
    label: str
    package: str
    optimizer: Literal["adam", "lbfgs"]

    @property
    def module(self) -> str:
        """The module that offers the functions of `Backend`."""
        return f"{self.package}.api"


BACKENDS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("torch", "PyTorch", "torch_impl", "adam"),
        Entry("keras", "Keras/TensorFlow", "keras_impl", "lbfgs"),
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
