"""The table of faults, filled by the modules of each set, one for each area."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from .handing import GROUPS
from .split import SETS, set_of

AREAS = ("pictures", "network", "taps", "losses", "gradient", "optimizers", "handing")


@dataclass(frozen=True)
class Fault:
    """One mistake: how it is planted in a port, and what it is."""

    name: str
    area: str
    port: str
    recipe: str
    truth: str
    seen_in: str
    hands_over: str
    way: str
    plant: Callable


FAULTS: dict[str, Fault] = {}


def fault(name, *, port, recipe, truth, seen_in="plausible", hands_over="all", way="called"):
    """Register a function that changes a port; `way` is "called" by check --port, or "bundle": it resizes as well."""

    def register(plant):
        assert name not in FAULTS, name
        assert hands_over in GROUPS, hands_over
        package, area = plant.__module__.rsplit(".", 2)[1:]
        assert package == f"{set_of(name)}_set", f"{name} belongs in {set_of(name)}_set"
        FAULTS[name] = Fault(name, area, port, recipe, truth, seen_in, hands_over, way, plant)
        return plant

    return register


def _load():
    for area in AREAS:
        for side in SETS:
            import_module(f"{__package__}.{side}_set.{area}")


_load()
