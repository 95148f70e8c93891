"""What a backend's package registers: everything about its framework that others need before it is imported."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from common.errors import RosettaError, did_you_mean
from common.footprint import Footprint
from common.recipes import Recipe, with_optimizer

OptimizerChoice = Literal["adam", "lbfgs", "recipe", "customary"]
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class Entry:
    """One line of the registry of backends, which an entry point of the group `style_rosetta.backends` names.

    `package` has the modules that `common.backend.Backend` names; its `__init__` and the module that holds the entry
    import no framework. `optimizer` is the one that is customary with the framework, and the first of `modes` is its
    default; `fused` are those whose inner values cannot be looked at, since the network is compiled as a whole or its
    gradient is computed otherwise.
    `tiled` are those that also compute a picture in tiles, for which the package has a module `tiles`.
    `transfer_mode` is the one in which its command line makes pictures on a CPU, the first where there is none.
    `distributions` are what pip installs. Before the framework is imported, `variables` are set in the environment, and
    `default_variables` where the user has not set them; `thread_variables` limit the framework's threads, and
    `cache_variable` names the folder of its compiler. `loggers` write what a user has no use for. `footprint` is what
    the framework takes of the memory. Raises RosettaError for values that the command line cannot name.
    """

    name: str
    label: str
    package: str
    optimizer: Literal["adam", "lbfgs"] = "adam"
    modes: tuple[str, ...] = ("eager",)
    fused: tuple[str, ...] = ()
    tiled: tuple[str, ...] = ()
    transfer_mode: str | None = None
    distributions: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    default_variables: Mapping[str, str] = field(default_factory=dict)
    thread_variables: tuple[str, ...] = ()
    cache_variable: str | None = None
    loggers: tuple[str, ...] = ()
    footprint: Footprint = field(default_factory=Footprint)

    def __post_init__(self) -> None:
        for name in (self.name, *self.modes):
            if not _NAME.fullmatch(name):
                raise RosettaError(f"{name!r} is no name of a backend or a mode: use letters, digits, '_', '.' and '-'")
        for some in (self.fused, self.tiled):
            if not self.modes or not set(some) <= set(self.modes):
                raise RosettaError(f"the modes are {self.modes} and some of them {some}: name one, and no others")
        if self.transfer_mode is not None:
            self.checked_mode(self.transfer_mode)
        if self.optimizer not in ("adam", "lbfgs"):
            raise RosettaError(f"there is no optimizer {self.optimizer!r}: use adam or lbfgs")

    def checked_mode(self, mode: str | None) -> str:
        """The mode, None for the first; raise RosettaError for one that the backend does not have."""
        if mode is not None and mode not in self.modes:
            nearest = did_you_mean(mode, self.modes)
            raise RosettaError(f"{self.label} has no mode {mode!r}{nearest}: use {', '.join(self.modes)}")
        return mode or self.modes[0]

    def checked_tiled_mode(self, mode: str | None) -> str:
        """The mode, None for the first; raise RosettaError for one in which the backend computes no tiles."""
        mode = self.checked_mode(mode)
        if mode not in self.tiled:
            instead = f"use the mode {' or '.join(self.tiled)}, or no tiles" if self.tiled else "leave out the tiles"
            raise RosettaError(f"{self.label} {mode} does not compute in tiles: {instead}")
        return mode

    def with_optimizer(self, recipe: Recipe, choice: OptimizerChoice) -> Recipe:
        """The recipe with a chosen optimizer: a named one, the recipe's own, or the framework's customary one."""
        kind = self.optimizer if choice == "customary" else choice
        return recipe if kind == "recipe" else with_optimizer(recipe, kind)

    def versions(self) -> dict[str, str]:
        """The versions of the distributions that are installed here; `unknown` for one that has another name."""
        return {name: installed_version(name) for name in self.distributions}


def installed_version(distribution: str) -> str:
    """The version of an installed distribution; `unknown` where there is none of that name."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
