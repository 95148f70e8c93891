"""What is no bug is recognised as such, with and without the features at which the decisions were taken."""

from dataclasses import replace

import numpy as np
import pytest
from near_ties import case_with_a_tie, with_the_tie_turned
from shallow import shallow

from common.doctor.diagnosis.diagnose import diagnose
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.rounding import decisions_found
from common.oracle.case import random_case
from common.oracle.layers import windows
from common.oracle.run import Run
from common.oracle.variant import RIGHT
from common.tensors.names import tensor_names
from common.vgg19.preprocessing import UNIT
from common.vgg19.weights import random_weights

TURNED = 8


@pytest.fixture(scope="module")
def case():
    return random_case(1, shallow("d2l"), random_weights(0))


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
    assert finding.detail == f"{TURNED} decisions turned"
    assert "the window of pool1" in finding.evidence
    assert {row.verdict for row in diagnosis.rows if row.name.startswith("features/")} == {"same"}


@pytest.mark.usefixtures("short_search")
def test_a_bug_behind_turned_windows_is_still_a_bug(case, turned):
    """The gradient is taken again with the port's decisions, and a mistake of a thousandth remains."""
    diagnosis = diagnose(case, {**turned, "gradient/pixels": turned["gradient/pixels"] * 1.001})
    assert not diagnosis.healthy


def test_near_ties_are_found_without_the_features():
    """From the gradient alone: which near tie, turned, makes up the difference."""
    case, layer, place = case_with_a_tie()
    gradient = with_the_tie_turned(case, layer, place).expected("gradient/pixels")
    (finding,) = diagnose(case, {"gradient/pixels": gradient}, "float64").findings
    assert finding.trap.number == 31
    row, column, channel = place
    assert f"relu{layer}, row {row}, column {column}, channel {channel}" in finding.evidence


@pytest.fixture(scope="module")
def flat_case():
    """A case whose image has areas of one colour, as where a picture is overexposed."""
    case = random_case(1, shallow("d2l"), random_weights(0))
    return replace(case, image=np.minimum(case.image, 0.6).astype(np.float32))


def test_another_slope_between_equal_neighbours_is_no_bug(flat_case):
    """JAX takes 1 as the derivative of |x| at 0, where the reference takes 0: both are right."""
    diagnosis = diagnose(flat_case, {"gradient/pixels": with_slope_one_at_0(flat_case)}, "float64")
    assert diagnosis.healthy
    (finding,) = diagnosis.findings
    assert "pairs of equal neighbours" in finding.evidence


@pytest.mark.parametrize(("slope", "is_right"), [(-1.0, True), (0.3, True), (1.5, False), (-2.0, False)])
def test_a_slope_of_more_than_one_is_a_bug(slope, is_right, flat_case):
    """A convex function's slope at a corner lies between those beside it."""
    reference = Run(flat_case, RIGHT).expected("gradient/pixels")
    gradient = reference + slope * (with_slope_one_at_0(flat_case) - reference)
    assert is_no_bug(flat_case, {"gradient/pixels": gradient}) == is_right


def test_neighbours_are_equal_in_a_black_image_too():
    case = random_case(1, shallow("d2l", pixel_space=UNIT), random_weights(0))
    case = replace(case, image=np.zeros_like(case.image))
    assert is_no_bug(case, {"gradient/pixels": with_slope_one_at_0(case)})


def test_missing_gradients_are_not_made_good_by_slopes(flat_case):
    points = np.stack([flat_case.problem.pixels(flat_case.image).astype(np.float64)] * 2)
    given = {"lbfgs/pixels": points, "lbfgs/gradients": with_slope_one_at_0(flat_case)[None]}
    assert not is_no_bug(flat_case, given)


def test_equal_neighbours_hide_no_bug_elsewhere(flat_case):
    gradient = with_slope_one_at_0(flat_case)
    assert not is_no_bug(flat_case, {"gradient/pixels": gradient * 1.001})


def test_equal_neighbours_are_allowed_for_at_the_optimizers_points(flat_case):
    run = Run(flat_case, RIGHT)
    points = np.stack([flat_case.problem.pixels(flat_case.image).astype(np.float64)])
    gradients = with_slope_one_at_0(flat_case)[None]
    given = {"lbfgs/pixels": points, "lbfgs/losses": run.expected("loss/total")[None], "lbfgs/gradients": gradients}
    found = diagnose(flat_case, given, "float64", only="lbfgs/gradients").findings
    assert [finding.trap.number for finding in found] == [31]


def is_no_bug(case, given):
    """Whether turned decisions explain the last of some tensors, in float64."""
    return decisions_found(Judge.of(case, given, "float64"), list(given)[-1]) is not None


def with_slope_one_at_0(case):
    """The reference's gradient, but for the derivative of |x| at 0."""
    run = Run(case, RIGHT)
    x, recipe = np.asarray(case.problem.pixels(case.image), np.float64), case.problem.recipe
    gradient = run.expected("gradient/pixels").copy()
    for axis in (0, 1):
        level = np.diff(x, axis=axis) == 0
        slope = recipe.tv_weight * 0.5 * level / level.size
        ends = [(0, 0)] * 3
        ends[axis] = (1, 1)
        gradient -= np.diff(np.pad(slope, ends), axis=axis)
    return gradient
