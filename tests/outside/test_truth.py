"""Every claim that the doctor makes of a fault of the open half has been read by a person, and is true."""

import json

import pytest

from .examined import examined
from .faults import FAULTS
from .score import JUDGED, claims
from .split import half

OPEN = sorted(name for name in FAULTS if half(name) == "open")
QUICK = OPEN[::30]


def assert_true(name):
    judged = json.loads(JUDGED.read_text()).get(name, {})
    said = claims(examined(FAULTS[name]))
    unread = [claim for claim in said if claim not in judged]
    assert not unread, f"nobody has judged what is said of {name}: add a grade of each to {JUDGED.name}"
    assert [claim for claim in said if judged[claim] == "false"] == []


@pytest.mark.parametrize("name", QUICK)
def test_what_is_said_of_a_fault_is_true(name):
    assert_true(name)


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in OPEN if name not in QUICK])
def test_what_is_said_of_every_fault_is_true(name):
    assert_true(name)
