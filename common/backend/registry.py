"""What a backend must offer, and the registry of those there are."""

import importlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions
from typing import Any, Protocol, cast

from common import objective
from common.checkpoints import Checkpoints
from common.entry import Entry
from common.errors import OutOfMemoryError, RosettaError, did_you_mean, one_line
from common.images import Image
from common.problem import Features, Network, Pixels, Problem
from common.recorder import OnStep
from common.results import LossTerms, RunResult


@dataclass(frozen=True)
class DeviceMemory:
    """The most memory that was taken on a GPU; a framework may not tell what it reserved."""

    allocated_bytes: int
    reserved_bytes: int | None


class Backend(Protocol):
    """The functions that a backend's package exports; images are RGB in [0, 1] of shape (H, W, 3)."""

    def features(self, image: Image, taps: Iterable[str], network: Network) -> Features:
        """Feature maps of shape (H, W, C) by tap."""

    def tensors(self, image: Image, problem: Problem) -> Features:
        """Every tensor that the port doctor examines, by its name."""

    def evaluation_tensors(self, image: Image, problem: Problem, layers: Iterable[str]) -> Features:
        """The part of `tensors` that one evaluation computes, with the feature maps of some layers and of the taps."""

    def loss_terms(self, image: Image, problem: Problem) -> LossTerms:
        """Every loss term at an image."""

    def value_and_grad(self, image: Image, problem: Problem) -> tuple[LossTerms, Pixels]:
        """The loss terms and the gradient with respect to the optimized variable."""

    def stylize(
        self,
        problem: Problem,
        init: Image | None = None,
        seed: int = 0,
        on_step: OnStep | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> RunResult:
        """The whole transfer; `checkpoints` are given by the backend's own command line alone."""

    def Objective(self, problem: Problem) -> objective.Objective:  # noqa: N802
        """The loss of a problem, ready to be evaluated."""

    def check_arithmetic(self, network: Network) -> None:
        """Raise RosettaError when the network's device does not have its precision."""

    def peak_memory(self, network: Network) -> DeviceMemory | None:
        """The most memory that was taken on the network's GPU; None where that is not known."""

    def environment(self, network: Network) -> dict[str, Any]:
        """Build, switches and threads that decide the framework's speed, as plain JSON values."""

    def matrix_product(self, size: int, network: Network) -> Callable[[], None]:
        """A function that multiplies two random (size, size) matrices in the network's arithmetic, and waits."""


def best_device(backend: Backend) -> str:
    """The fastest device that a backend's framework finds, as `Problem.device` names it.

    The package may export `best_device`; for one that does not the device is the CPU.
    """
    return str(getattr(backend, "best_device", lambda: "cpu")())


def check_precisions(backend: Backend, problem: Problem) -> None:
    """Raise RosettaError when the problem's device lacks a precision that a stage computes in."""
    for network in problem.networks:
        backend.check_arithmetic(network)


_NO_MEMORY = re.compile("failed to map segment|Cannot allocate memory")  # of the system's loader
GROUP = "style_rosetta.backends"
_DISTRIBUTION = "style-rosetta"
# The same lines as in pyproject.toml: another interpreter may run the checkout, where nothing of it is installed.
_OWN = {"torch": "torch_impl.entry:ENTRY", "keras": "keras_impl.entry:ENTRY"}


def registered() -> tuple[dict[str, Entry], dict[str, str]]:
    """Every backend by its name, and by name why those of broken packages cannot be used; none is imported."""
    backends: dict[str, Entry] = {}
    broken: dict[str, str] = {}
    for point, package in [*((EntryPoint(*own, GROUP), _DISTRIBUTION) for own in _OWN.items()), *_outside()]:
        try:
            backends[point.name] = _entry_of(point, backends)
        except Exception as error:  # whatever the package raises
            broken[point.name] = (
                f"the backend {point.name!r} of the package {package} cannot be used ({one_line(error)}): "
                "repair or uninstall that package"
            )
    return backends, broken


def _outside() -> Iterable[tuple[EntryPoint, str]]:
    """The entry points of other packages, each once; metadata that cannot be read has none."""
    found: dict[tuple[str, str], tuple[EntryPoint, str]] = {}
    for distribution in distributions():
        with suppress(Exception):
            for point in distribution.entry_points.select(group=GROUP):
                # What an older install of this repository registered may be gone.
                if distribution.name != _DISTRIBUTION:
                    found.setdefault((point.name, point.value), (point, distribution.name))
    return found.values()


def _entry_of(point: EntryPoint, backends: Mapping[str, Entry]) -> Entry:
    if point.name in backends:
        raise RosettaError(f"{backends[point.name].label} has that name")
    entry = point.load()
    if not isinstance(entry, Entry):
        raise RosettaError(f"{point.value} is no common.entry.Entry")
    if entry.name != point.name:
        raise RosettaError(f"it calls itself {entry.name}")
    return entry


BACKENDS, BROKEN = registered()


def find_entry(name: str) -> Entry:
    """A backend's line of the registry; raise RosettaError when there is none, or its package is broken."""
    if name in BACKENDS:
        return BACKENDS[name]
    if name in BROKEN:
        raise RosettaError(BROKEN[name])
    # Somebody may well say `tensorflow`.
    by_packages = (it.name for it in BACKENDS.values() if name.lower() in (it.package, *it.distributions))
    nearest = did_you_mean(next(by_packages, name), BACKENDS)
    raise RosettaError(f"there is no backend {name!r}{nearest}: choose from {', '.join(BACKENDS)}")


def load_backend(name: str) -> Backend:
    """Import a backend by its name; raise RosettaError when there is none, or its framework cannot be imported."""
    entry = find_entry(name)
    try:
        backend = importlib.import_module(entry.package)
        for function in (name for name in vars(Backend) if not name.startswith("_")):
            getattr(backend, function)  # which imports the framework
    except Exception as error:  # a framework's import fails in many ways
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            raise OutOfMemoryError(
                f"{entry.label} cannot be imported ({one_line(error)}): raise the limit of `ulimit -v`, or end other "
                "programs"
            ) from None
        packages = " ".join(entry.distributions) or entry.package
        raise RosettaError(
            f"{entry.label} cannot be imported ({one_line(error)}): try `python -m pip install {packages}`"
        ) from None
    return cast(Backend, backend)
