"""Every claim that the doctor makes of a fault has been read by somebody who wrote no recogniser, and is true.

A sample of the faults here; `runner.py` and `score.py` ask of all.
"""

import json

import pytest

from .examined import examined
from .faults import FAULTS
from .score import JUDGED, claims

GRADES = json.loads(JUDGED.read_text())
NAMES = sorted(name for name in GRADES if name in FAULTS)
QUICK, THOROUGH = NAMES[::60], NAMES[7::48]


def assert_true(name):
    judged, said = GRADES[name], claims(examined(FAULTS[name]))
    unread = [claim for claim in said if claim not in judged]
    assert not unread, f"nobody has judged what is said of {name}: add a grade of each to {JUDGED.name}"
    assert [claim for claim in said if judged[claim] == "false"] == []


@pytest.mark.parametrize("name", QUICK)
def test_what_is_said_of_a_fault_is_true(name):
    assert_true(name)


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in THOROUGH if name not in QUICK])
def test_what_is_said_of_more_faults_is_true(name):
    assert_true(name)
