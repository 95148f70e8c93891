"""The two ports agree with each other, and every fault, open or closed, changes something that it hands over."""

from functools import cache

import numpy as np
import pytest

from .called import make
from .faults import AREAS, FAULTS
from .handing import GROUPS, difference, first_difference, tensors, wanted
from .samples import pictures
from .split import SETS, set_of

RECIPES = ("d2l", "gatys", "keras-notebook", "pytorch-blog", "neural-style")
TURNS = ("adam", "lbfgs")
STILL = GROUPS["without optimizers"]


def handed(port, way, only):
    content, style, image, decoded = pictures()
    return tensors(port, content, style, image, only, decoded if way == "bundle" else None)


@cache
def healthy(port, recipe, way, only):
    return handed(make(port, recipe), way, only)


def effect(fault):
    """The first tensor that the fault changes among those that it hands over; None if there is none."""
    group = GROUPS[fault.hands_over] or (*STILL, *TURNS)
    turns = sorted((part for part in TURNS if part in group), key=lambda part: not fault.name.startswith(part))
    found = None
    for parts in (STILL, *((part,) for part in turns)):
        found = found or _effect(fault, parts, group)
    return found


def _effect(fault, parts, group):
    right = healthy(fault.port, fault.recipe, fault.way, parts)
    faulty = handed(make(fault.port, fault.recipe, [fault.name]), fault.way, parts)
    return first_difference(*({name: out[name] for name in out if wanted(name, group)} for out in (right, faulty)))


def channels_last(name, value):
    return value[0].transpose(1, 2, 0) if np.ndim(value) == 4 and not name.startswith("lbfgs") else value


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_two_ports_agree(recipe):
    mine, theirs = (healthy(port, recipe, "bundle", STILL) for port in ("numpy", "torch"))
    assert list(mine) == list(theirs)
    assert all(difference(mine[name], channels_last(name, theirs[name])) < 1e-11 for name in mine)


@pytest.mark.thorough
@pytest.mark.parametrize("recipe", RECIPES)
def test_the_two_ports_optimize_alike(recipe):
    mine, theirs = (healthy(port, recipe, "called", TURNS) for port in ("numpy", "torch"))
    assert list(mine) == list(theirs)
    assert all(difference(mine[name][:3], channels_last(name, theirs[name])[:3]) < 1e-9 for name in mine)


def test_there_are_faults_of_every_kind_in_each_set():
    assert len(FAULTS) >= 170
    for each in SETS:
        ours = [fault for fault in FAULTS.values() if set_of(fault.name) == each]
        assert {fault.area for fault in ours} == set(AREAS)
        assert {fault.recipe for fault in ours} == set(RECIPES)


@pytest.mark.parametrize("name", list(FAULTS)[::24])
def test_some_faults_change_something(name):
    """The runner says of each what it changes first."""
    assert effect(FAULTS[name]) is not None


@pytest.mark.thorough
@pytest.mark.parametrize("name", list(FAULTS)[5::12])
def test_more_faults_change_something(name):
    assert effect(FAULTS[name]) is not None
