"""The judgement of one row: which differences count, and that nothing undefined passes."""

from dataclasses import replace

import numpy as np
import pytest

from common import RECIPES, Problem, load_weights
from common.bounds import bounds_for
from common.comparison.agreement import Evaluation
from common.comparison.flips import Flips
from common.comparison.row_agreement import RowAgreement, check
from common.problem import PRECISIONS
from common.results import LossTerms

NONE, SOME = Flips(0, 100, 0, 25), Flips(1, 100, 2, 25)
TERMS = LossTerms({"conv1_1": 3.0}, {"relu1_1": 5.0, "relu2_1": 7.0}, 1.0)
GRADIENT = np.random.default_rng(0).standard_normal((17, 18, 3))
EVALUATION = Evaluation(TERMS, GRADIENT, {})


@pytest.fixture(scope="module")
def problems():
    weights, image = load_weights("random"), np.full((17, 18, 3), 0.5, np.float32)
    return {each: Problem(image, image, RECIPES["d2l"], weights, each) for each in PRECISIONS}


@pytest.fixture
def judge(problems):
    """A function that judges an evaluation by the one above."""

    def judged(ours, precision="float32", flips=NONE, seen=True):
        return check(ours, EVALUATION, problems[precision], flips, seen)

    return judged


def with_gradient(gradient):
    return replace(EVALUATION, gradient=gradient)


def turned(angle):
    """The gradient turned by an angle, as long as before."""
    other = np.random.default_rng(1).standard_normal(GRADIENT.shape)
    other -= GRADIENT * np.sum(other * GRADIENT) / np.sum(GRADIENT**2)
    return np.cos(angle) * GRADIENT + np.sin(angle) * other * np.linalg.norm(GRADIENT) / np.linalg.norm(other)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_same_agrees_in_every_precision(judge, precision):
    found = judge(EVALUATION, precision)
    assert (found.loss, found.gradient, found.cosine_gap, found.agrees) == (0, 0, 0, True)
    assert found.size_px == (17, 18)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("term", ["content", "style", "tv"])
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_the_worst_term_of_the_loss_is_judged(judge, precision, term, part, agrees):
    factor = 1 + part * bounds_for(precision).losses
    changed = {
        "content": {"content": {"conv1_1": 3.0 * factor}},
        "style": {"style": {"relu1_1": 5.0, "relu2_1": 7.0 * factor}},
        "tv": {"tv": factor},
    }
    found = judge(replace(EVALUATION, terms=replace(TERMS, **changed[term])), precision)
    assert found.loss == pytest.approx(factor - 1, rel=1e-3)
    assert found.agrees is agrees


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_the_norm_of_the_gradient_is_judged_where_nothing_flipped(judge, precision, part, agrees):
    difference = part * bounds_for(precision).gradient
    found = judge(with_gradient(GRADIENT * (1 + difference)), precision)
    assert found.gradient == pytest.approx(difference, rel=1e-3)
    assert found.agrees is agrees


@pytest.mark.parametrize(
    ("precision", "flips", "seen", "judged"),
    [
        ("float32", NONE, True, True),
        ("float32", SOME, True, False),
        ("float32", Flips(0, 100, 1, 25), True, False),
        ("float32", NONE, False, False),
        ("float32", None, True, False),
        ("float32", None, False, False),
        ("bfloat16", NONE, True, True),
        ("tf32", SOME, True, False),
    ],
)
def test_the_norm_has_the_narrow_bound_in_float64_and_where_it_was_seen_that_nothing_flipped(
    judge, precision, flips, seen, judged
):
    narrow, wide = bounds_for(precision).gradient, bounds_for(precision).gradient_flipped
    assert judge(EVALUATION, precision, flips, seen).gradient_bound == (narrow if judged else wide)
    between = judge(with_gradient(GRADIENT * (1 + (narrow + wide) / 2)), precision, flips, seen)
    assert between.agrees is (not judged)
    assert not judge(with_gradient(GRADIENT * (1 + 1.1 * wide)), precision, flips, seen).agrees


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("flips", [SOME, None])
@pytest.mark.parametrize(("part", "agrees"), [(0.9, True), (1.1, False)])
def test_the_direction_of_the_gradient_is_judged_even_where_something_flipped(judge, precision, flips, part, agrees):
    if precision == "float64":
        part, agrees = 1e6 * part, False  # its bound is too near the rounding of this test
    gap = part * bounds_for(precision).gradient_cosine_gap
    found = judge(with_gradient(turned(np.arccos(1 - gap))), precision, flips)
    assert found.cosine_gap == pytest.approx(gap, rel=1e-3)
    assert found.agrees is agrees


@pytest.mark.parametrize("factor", [-1.0, 0.0])
def test_a_gradient_that_points_back_or_nowhere_never_agrees(judge, factor):
    assert not judge(with_gradient(GRADIENT * factor), "bfloat16", SOME).agrees


def test_the_flips_are_told_and_unknown_ones_are_not_none_at_all(judge):
    found, unknown = judge(EVALUATION, flips=SOME), judge(EVALUATION, flips=None)
    assert (found.relu_flips, found.pool_flips) == (1, 2)
    assert (unknown.relu_flips, unknown.pool_flips) == (None, None)


@pytest.mark.parametrize("flips", [NONE, SOME, None])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_with_a_nan_never_agrees(judge, flips, value):
    gradient = GRADIENT.copy()
    gradient[0, 0, 0] = value
    with np.errstate(invalid="ignore"):
        assert not judge(with_gradient(gradient), flips=flips).agrees


NANS = {
    "content": {"content": {"conv1_1": np.nan}},
    "style": {"style": {"relu1_1": np.nan, "relu2_1": 7.0}},
    "last style": {"style": {"relu1_1": 5.0, "relu2_1": np.nan}},
    "tv": {"tv": np.nan},
}


@pytest.mark.parametrize("changed", NANS.values(), ids=list(NANS))
def test_a_loss_with_a_nan_never_agrees(judge, changed):
    assert not judge(replace(EVALUATION, terms=replace(TERMS, **changed))).agrees


@pytest.mark.parametrize(("oracle", "float64"), [(True, True), (True, False), (False, True)])
def test_a_row_agrees_when_both_checks_do(judge, oracle, float64):
    good, bad = judge(EVALUATION), judge(with_gradient(-GRADIENT))
    found = RowAgreement(good if oracle else bad, good if float64 else bad)
    assert found.agrees is (oracle and float64)
    json = found.to_json()
    assert (json["agrees"], json["oracle"]["agrees"], json["float64"]["agrees"]) == (found.agrees, oracle, float64)
