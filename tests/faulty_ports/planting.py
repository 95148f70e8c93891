"""How a trap is planted into a real implementation: by what it is given, and by replacing public functions for a while.

None of this uses the doctor's own forms of the traps: what is planted here is the truth that it is judged by.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from common import samples
from common.backend import BACKENDS, load_backend
from common.images import Image, resize
from common.oracle.case import Case, case_from_files, random_case
from common.problem import Precision, Problem
from common.recipes.recipe import Recipe
from common.vgg19.weights import Weights
from faulty_ports.frameworks import FRAMEWORKS, Framework

Wrap = Callable[[Any], Any]
Tensors = dict[str, np.ndarray]
RECORDING = "common.tensors.recording"


@dataclass(frozen=True)
class Patch:
    """A public name in all modules below `where` that hold it, and what makes its replacement of what it was."""

    where: str
    name: str
    wrap: Wrap


@dataclass(frozen=True, eq=False)
class Port:
    """One of the two implementations, what it is given, and what is replaced in it; pictures are by role."""

    backend: str
    case: Case
    problem: Problem
    decoded: Mapping[str, Image]
    sizes_px: Mapping[str, tuple[int, int]]
    resize: Callable[[Image, int, int], Image] = resize
    patches: tuple[Patch, ...] = ()

    @property
    def framework(self) -> Framework:
        """What is done differently in each framework; most replacements are written once."""
        return FRAMEWORKS[self.backend]()

    @property
    def xp(self) -> Any:
        """The framework's functions by NumPy's names."""
        return self.framework.xp

    def hwc(self, tensor: Any) -> Any:
        """A native batch of one as (H, W, C)."""
        return self.framework.hwc(tensor)

    def batch(self, hwc: Any) -> Any:
        """The inverse of `hwc`."""
        return self.framework.batch(hwc)

    def given(self, **changes: Any) -> "Port":
        """The port with another problem."""
        return replace(self, problem=replace(self.problem, **changes))

    def with_weights(self, **changes: Any) -> "Port":
        """The port with other weights."""
        return self.given(weights=replace(self.problem.weights, **changes))

    def with_recipe(self, **changes: Any) -> "Port":
        """The port with another recipe."""
        return self.given(recipe=replace(self.problem.recipe, **changes))

    def patched(self, name: str, wrap: Wrap, where: str | None = None) -> "Port":
        """The port with one more replacement, around those that there are."""
        patch = Patch(where or BACKENDS[self.backend].package, name, wrap)
        return replace(self, patches=(*self.patches, patch))


Plant = Callable[[Port], Port]


def _always(_: Case) -> bool:
    return True


@dataclass(frozen=True, eq=False)
class Broken:
    """A way to fall into a trap.

    `touches` are the things that it changes; two plants of one thing are not made together. `fits` says in which
    cases it makes a difference, `picture` writes the content picture that it needs, and `precision` is the one in which
    its difference is above rounding.
    """

    trap: int
    name: str
    plant: Plant
    touches: tuple[str, ...] = ()
    fits: Callable[[Case], bool] = _always
    picture: Callable[[Path], Path] | None = None
    precision: Precision = "float32"


@dataclass(frozen=True, eq=False)
class Setting:
    """A recipe, weights, and two picture files; random pictures where there are none."""

    recipe: Recipe
    weights: Weights
    pictures: tuple[Path, Path] | None = None
    seed: int = 0

    def case(self, content: Path | None = None) -> Case:
        """The right case, with another content picture if one is named."""
        if self.pictures is None and content is None:
            return random_case(self.seed, self.recipe, self.weights)
        own, style = self.pictures or (samples.CONTENT.path, samples.STYLE.path)
        return case_from_files(content or own, style, self.recipe, self.weights)


def has_content(case: Case) -> bool:
    """Whether the recipe has a content term."""
    return bool(case.problem.recipe.content_taps)


def style_is_resized(case: Case) -> bool:
    """Whether the style picture's own size is another."""
    return case.style.decoded.shape != case.problem.style.shape


def compatible(one: Broken, other: Broken) -> bool:
    """Whether two can be planted together and are still two."""
    both_need_a_picture = one.picture is not None and other.picture is not None
    return one.trap != other.trap and not both_need_a_picture and not set(one.touches) & set(other.touches)


def case_for(setting: Setting, broken: Iterable[Broken], folder: Path) -> Case:
    """The case of a setting, with the picture that one of some plants needs."""
    write = next((it.picture for it in broken if it.picture is not None), None)
    return setting.case(None if write is None else write(folder))


def precision_for(broken: Iterable[Broken]) -> Precision:
    """The precision in which all of some plants show."""
    return "float64" if any(it.precision == "float64" for it in broken) else "float32"


def healthy_port(backend: str, case: Case, precision: Precision = "float32") -> Port:
    """An implementation as it is."""
    problem = replace(case.problem, precision=precision)
    decoded = {"content": case.content.decoded, "style": case.style.decoded}
    sizes = {"content": problem.content.shape[:2], "style": problem.style.shape[:2]}
    return Port(backend, case, problem, decoded, sizes)


def broken_port(backend: str, case: Case, broken: Iterable[Broken], precision: Precision | None = None) -> Port:
    """An implementation with some traps planted; what concerns the file comes first, as it does in a port."""
    broken = list(broken)
    port = healthy_port(backend, case, precision or precision_for(broken))
    for one in sorted(broken, key=lambda it: (it.picture is None, it.trap)):
        port = one.plant(port)
    return port


def tensors_of(port: Port) -> Tensors:
    """Run the implementation as the port has it; every tensor by name."""
    backend = load_backend(port.backend)
    resized = {role: port.resize(port.decoded[role], *port.sizes_px[role]) for role in port.decoded}
    problem = replace(port.problem, content=resized["content"], style=resized["style"])
    with _planted(port.patches):
        found = backend.tensors(port.case.image, problem)
    return {**{f"{role}/decoded": picture for role, picture in port.decoded.items()}, **found}


@contextmanager
def _planted(patches: Iterable[Patch]) -> Iterator[None]:
    with ExitStack() as stack:
        for patch in patches:
            holders = _holders(patch)
            replacement = patch.wrap(getattr(holders[0], patch.name))
            for module in holders:
                stack.enter_context(mock.patch.object(module, patch.name, replacement))
        yield


def _holders(patch: Patch) -> list[Any]:
    """Every loaded module that has the name: a function is called by the one that its caller's module holds."""
    below = f"{patch.where}."
    loaded = [module for name, module in list(sys.modules.items()) if f"{name}.".startswith(below)]
    return [module for module in loaded if patch.name in vars(module)]
