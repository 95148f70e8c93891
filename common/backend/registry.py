"""The registry of the backends there are: the repository's own, and those of other packages."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, distributions

from common.backend.backend import Backend
from common.entry import Entry
from common.errors import OutOfMemoryError, RosettaError, did_you_mean, is_out_of_memory, one_line
from common.tiles import TileWorker, WorkersOf

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


def load_backend(name: str, tile_workers: WorkersOf = TileWorker) -> Backend:
    """Import a backend by its name; raise RosettaError when there is none, or its framework cannot be imported.

    `tile_workers` compute the tiles of pictures, by default in this process.
    """
    entry = find_entry(name)
    os.environ.update(entry.variables)
    for variable, value in entry.default_variables.items():
        os.environ.setdefault(variable, value)
    try:
        return Backend(entry.package, tile_workers)
    except RosettaError:  # of a package that is not whole, with its own way out
        raise
    except Exception as error:  # a framework's import fails in many ways
        if is_out_of_memory(error):
            raise OutOfMemoryError(
                f"{entry.label} cannot be imported ({one_line(error)}): raise the limit of `ulimit -v`, or end other "
                "programs"
            ) from None
        packages = " ".join(entry.distributions) or entry.package
        raise RosettaError(
            f"{entry.label} cannot be imported ({one_line(error)}): try `python -m pip install {packages}`"
        ) from None
