"""The judgement of one row: which differences count, and that nothing undefined passes."""

import numpy as np
import pytest
from near_ties import case_with_a_tie, with_the_tie_turned
from pydantic import TypeAdapter
from shallow import shallow

from common.comparison.agreement import GRADIENT, RowAgreement, check_by_oracle, check_by_own
from common.oracle.case import case_at
from common.oracle.run import Run
from common.oracle.variant import RIGHT
from common.problem import PRECISIONS
from common.tolerances import bounds_for
from common.vgg19.layers import cut

TERMS = {"content/conv1_1": 3.0, "style/relu1_1": 5.0, "style/relu2_1": 7.0, "tv": 1.0, "total": 16.0}
ANY = np.random.default_rng(0).standard_normal((17, 18, 3))
EVALUATION = {**{f"loss/{name}": np.asarray(value) for name, value in TERMS.items()}, GRADIENT: ANY}


def judged(ours, precision="float32"):
    return check_by_own(ours, EVALUATION, precision)


def with_gradient(gradient, tensors=EVALUATION):
    return {**tensors, GRADIENT: gradient}


def turned(angle):
    """The gradient turned by an angle, as long as before."""
    other = np.random.default_rng(1).standard_normal(ANY.shape)
    other -= ANY * np.sum(other * ANY) / np.sum(ANY**2)
    return np.cos(angle) * ANY + np.sin(angle) * other * np.linalg.norm(ANY) / np.linalg.norm(other)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_same_agrees_in_every_precision(precision):
    found = judged(EVALUATION, precision)
    assert (found.loss, found.gradient, found.cosine_gap, found.agrees) == (0, 0, 0, True)
    assert (found.size_px, found.relu_flips, found.gradient_followed) == ((17, 18), None, None)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_the_worst_term_of_the_loss_is_judged(precision, term, part, agrees):
    factor = 1 + part * bounds_for(precision).losses
    found = judged({**EVALUATION, f"loss/{term}": EVALUATION[f"loss/{term}"] * factor}, precision)
    assert found.loss == pytest.approx(factor - 1, rel=1e-3)
    assert found.agrees is agrees


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_the_norm_has_the_wide_bound_where_the_flips_are_not_known(precision, part, agrees):
    bounds = bounds_for(precision)
    assert bounds.gradient < bounds.gradient_flipped or precision == "float64"
    difference = part * bounds.gradient_flipped
    found = judged(with_gradient(ANY * (1 + difference)), precision)
    assert found.gradient == pytest.approx(difference, rel=1e-3)
    assert found.agrees is agrees


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_the_direction_of_the_gradient_is_judged(precision, part, agrees):
    if precision == "float64":
        part, agrees = 1e6 * part, False  # its bound is too near the rounding of this test
    gap = part * bounds_for(precision).gradient_cosine_gap
    found = judged(with_gradient(turned(np.arccos(1 - gap))), precision)
    assert found.cosine_gap == pytest.approx(gap, rel=1e-3)
    assert found.agrees is agrees


@pytest.mark.parametrize("factor", [-1.0, 0.0])
def test_a_gradient_that_points_back_or_nowhere_never_agrees(factor):
    assert not judged(with_gradient(ANY * factor), "bfloat16").agrees


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", EVALUATION)
def test_what_is_not_finite_never_agrees(name, value):
    broken = np.array(EVALUATION[name], copy=True)
    broken.flat[0] = value
    with np.errstate(invalid="ignore"):
        assert not judged({**EVALUATION, name: broken}).agrees


@pytest.mark.parametrize(("oracle", "float64"), [(True, True), (True, False), (False, True)])
def test_a_row_agrees_when_both_checks_do(oracle, float64):
    good, bad = judged(EVALUATION), judged(with_gradient(-ANY))
    found = RowAgreement(good if oracle else bad, good if float64 else bad)
    assert found.agrees is (oracle and float64)
    json = TypeAdapter(RowAgreement).dump_python(found)
    assert (json["agrees"], json["oracle"]["agrees"], json["float64"]["agrees"]) == (found.agrees, oracle, float64)


# By the oracle: what has flipped is seen, and followed.


@pytest.fixture(scope="module")
def reference(problem_for, image):
    return Run(case_at(problem_for(shallow("d2l"), "float64"), image), RIGHT)


def evaluation_by(run):
    """What a row would hand over that computes as a run does: every ReLU, every tap, the losses and the gradient."""
    taps = run.case.problem.recipe.taps
    layers = [layer.name for layer in cut(taps) if layer.kind == "relu" or layer.name in taps]
    names = [*(f"features/{name}" for name in layers), *(f"loss/{name}" for name in run.terms), "loss/total", GRADIENT]
    return {name: np.asarray(run.value(name)) for name in names}


def without_features(tensors):
    return {name: array for name, array in tensors.items() if not name.startswith("features/")}


@pytest.fixture(scope="module")
def tie():
    """A reference with a near tie, and a row in which it has fallen the other way."""
    case, layer, place = case_with_a_tie()
    return Run(case, RIGHT), evaluation_by(with_the_tie_turned(case, layer, place))


def test_the_reference_agrees_with_itself(reference):
    found = check_by_oracle(evaluation_by(reference), reference, "float32")
    assert (found.relu_flips, found.pool_flips, found.gradient_followed, found.agrees) == (0, 0, 0, True)
    assert found.gradient_bound == bounds_for("float32").gradient


@pytest.mark.parametrize("fused", [False, True])
def test_a_wrong_gradient_is_seen_where_nothing_flipped(reference, fused):
    right = evaluation_by(reference)
    wrong = with_gradient(right[GRADIENT] * 1.001, right)
    found = check_by_oracle(without_features(wrong) if fused else wrong, reference, "float32")
    assert found.gradient == pytest.approx(1e-3, rel=1e-3)
    assert not found.agrees


def test_a_flip_is_counted_and_followed(tie):
    reference, flipped = tie
    found = check_by_oracle(flipped, reference, "float32")
    assert (found.relu_flips, found.pool_flips) == (1, 0)
    assert found.gradient > 1e-9
    assert found.gradient_followed < 1e-12
    assert found.agrees


@pytest.mark.parametrize("fused", [False, True])
def test_a_wrong_gradient_is_seen_behind_a_flip(tie, fused):
    reference, flipped = tie
    wrong = with_gradient(flipped[GRADIENT] * 1.001, flipped)
    found = check_by_oracle(without_features(wrong) if fused else wrong, reference, "float32")
    assert found.gradient < found.gradient_bound == bounds_for("float32").gradient_flipped
    assert found.gradient_followed > bounds_for("float32").gradient_followed
    assert not found.agrees


def test_a_fused_network_is_judged_by_the_ties_that_make_up_the_difference(tie):
    reference, flipped = tie
    found = check_by_oracle(without_features(flipped), reference, "float64")
    assert found.relu_flips is None
    assert found.gradient > bounds_for("float64").gradient
    assert found.gradient_followed < 1e-12


def test_a_fused_network_without_near_ties_is_judged_by_its_whole_difference(reference, monkeypatch):
    monkeypatch.setattr("common.comparison.agreement.doctor.ties_turned", lambda *_: None)
    right = evaluation_by(reference)
    found = check_by_oracle(without_features(with_gradient(right[GRADIENT] * 1.001, right)), reference, "float32")
    assert found.gradient_followed == found.gradient == pytest.approx(1e-3, rel=1e-3)
    assert not found.agrees
