"""What is no bug is recognised as such, with and without the features at which the decisions were taken."""

import numpy as np
import pytest
from near_ties import case_with_a_tie, with_the_tie_turned

from common import RECIPES
from common.doctor.diagnosis import diagnose
from common.doctor.make_case import random_case
from common.doctor.names import tensor_names
from common.doctor.run import Run
from common.doctor.variant import RIGHT
from common.oracle_layers import windows
from common.weights import random_weights

TURNED = 8


@pytest.fixture(scope="module")
def case():
    return random_case(1, RECIPES["d2l"], random_weights(0))


@pytest.fixture(scope="module")
def turned(case):
    """Every tensor of the reference, but for the windows of pool1 with the closest ties, which choose otherwise."""
    run = Run(case, RIGHT)
    below = run.expected("features/relu1_2").copy()
    blocks = windows(below)
    order = np.argsort(blocks, axis=2)
    best, second = (np.take_along_axis(blocks, order[:, :, [at]], axis=2)[:, :, 0] for at in (3, 2))
    gaps = np.where(second > 0, best - second, np.inf)
    for row, column, channel in np.argwhere(gaps <= np.sort(gaps.ravel())[TURNED - 1]):
        place = order[row, column, 2, channel]
        raised = np.nextafter(best[row, column, channel], np.inf)
        below[2 * row + place // 2, 2 * column + place % 2, channel] = raised
    port = Run(case, RIGHT, {"features/relu1_2": below})
    names = [it for it in tensor_names(case.problem) if it.startswith(("features/", "loss/", "gradient/"))]
    return {name: port.value(name) for name in names}


def test_turned_windows_are_counted_and_named(case, turned):
    diagnosis = diagnose(case, turned)
    assert diagnosis.healthy
    (finding,) = diagnosis.findings
    assert finding.trap.number == 31
    assert finding.words == f"{TURNED} decisions turned"
    assert "the window of pool1" in finding.evidence
    assert {row.verdict for row in diagnosis.rows if row.name.startswith("features/")} == {"same"}


def test_a_bug_behind_turned_windows_is_still_a_bug(case, turned):
    """The gradient is taken again with the port's decisions, and a mistake of a thousandth remains."""
    diagnosis = diagnose(case, {**turned, "gradient/pixels": turned["gradient/pixels"] * 1.001})
    assert not diagnosis.healthy


def test_near_ties_are_found_without_the_features():
    """From the gradient alone: which near tie, turned, makes up the difference."""
    case, layer, place = case_with_a_tie()
    gradient = with_the_tie_turned(case, layer, place).expected("gradient/pixels")
    (finding,) = diagnose(case, {"gradient/pixels": gradient}).findings
    assert finding.trap.number == 31
    row, column, channel = place
    assert f"relu{layer}, row {row}, column {column}, channel {channel}" in finding.evidence
