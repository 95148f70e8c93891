"""A run that leads nowhere is said to, with the first term on the way through the network that is not finite."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from shallow import shallow

from common import LBFGS, Adam, Exactly, LossTerms, Problem, Stage, load_weights
from common.divergence import Growth, check_finite
from common.errors import DivergedError

NAN, INFINITE = float("nan"), float("inf")
ADAM = Adam(0.1)


def problem_of(precision="float32", is_published=True, networks=1, optimizer=ADAM):
    weights = SimpleNamespace(is_published=is_published, name="mine.pth")
    recipe = SimpleNamespace(stages=[SimpleNamespace(optimizer=optimizer)])
    return SimpleNamespace(precision=precision, weights=weights, networks=range(networks), recipe=recipe)


def losses(content=1.0, early=1.0, late=1.0, tv=1.0):
    return LossTerms({"relu4_2": content}, {"relu5_1": late, "relu1_1": early}, tv)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (losses(content=NAN, late=NAN), "the content loss of relu4_2 is nan at evaluation 7"),
        (losses(content=NAN, late=NAN, early=INFINITE), "the style loss of relu1_1 is inf at evaluation 7"),
        (losses(late=INFINITE), "the style loss of relu5_1 is inf at evaluation 7"),
        (losses(NAN, NAN, NAN, NAN), "total variation is nan at evaluation 7"),
        (losses(late=1e308, early=1e308), "the loss is inf at evaluation 7"),
    ],
)
def test_the_first_term_that_is_not_finite_is_named(terms, said):
    with pytest.raises(DivergedError, match=said):
        check_finite(problem_of(), terms, 7)


def test_a_gradient_that_is_not_finite_is_named():
    gradient = np.zeros((2, 3, 3))
    check_finite(problem_of(), losses(), 7, gradient)
    gradient[1, 2, 0] = NAN
    with pytest.raises(DivergedError, match="the gradient is not finite at evaluation 7"):
        check_finite(problem_of(), losses(), 7, gradient)


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        (problem_of(), r"lower the weights of the losses \(.*\), or use --optimizer lbfgs$"),
        (problem_of(optimizer=LBFGS()), r"lower the weights of the losses \([^)]*\)$"),
        (problem_of(networks=2), "use --precision float32, or lower the weights"),
        (problem_of("bfloat16"), "use --precision float32"),
        (problem_of(is_published=False), "the weights mine.pth are not the published ones"),
    ],
)
def test_what_to_change_is_said(problem, advice):
    with pytest.raises(DivergedError, match=advice):
        check_finite(problem, losses(tv=NAN), 1)


def grown(*totals, first=None):
    growth = Growth(first)
    for number, total in enumerate(totals, start=1):
        growth.check(problem_of(), LossTerms({}, {}, total), number)


def test_a_loss_that_stays_far_above_the_first_is_the_end():
    with pytest.raises(DivergedError, match="the loss grew from 2 to 201 at evaluation 11"):
        grown(2.0, *[201.0] * 10)


@pytest.mark.parametrize(
    "totals",
    [
        [2.0, *[201.0] * 9, 1.0, *[201.0] * 9],
        [2.0, *[199.0] * 50],
        [0.0, *[1.0] * 50],
    ],
    ids=["it falls in between", "it is not far", "the first is zero"],
)
def test_other_losses_are_no_end(totals):
    grown(*totals)


def test_a_stage_that_goes_on_knows_its_first_loss():
    with pytest.raises(DivergedError, match="the loss grew from 2 to 201 at evaluation 10"):
        grown(*[201.0] * 10, first=2.0)


@pytest.mark.parametrize("optimizer", [Adam(1e30), Adam(1e5), LBFGS()], ids=["to infinity", "far away", "lbfgs"])
def test_a_transfer_that_diverges_ends(backend, content, style, weights, optimizer):
    """The style weight overflows float32 for L-BFGS, whose line search would survive any other start."""
    stage = Stage(Exactly(19, 23), 30, optimizer)
    recipe = shallow("d2l", stages=(stage,))
    if isinstance(optimizer, LBFGS):
        recipe = replace(recipe, style_weight=1e41)
    with pytest.raises(DivergedError):
        backend.stylize(Problem(content, style, recipe, weights))


def test_a_last_step_into_nowhere_is_no_picture(backend, content, style, weights):
    """The loss of the only evaluation is finite, that of the picture is not."""
    recipe = shallow("d2l", stages=(Stage(Exactly(19, 23), 1, Adam(1e20)),))
    with pytest.raises(DivergedError):
        backend.stylize(Problem(content, style, recipe, weights))


def test_random_weights_are_no_damaged_ones():
    assert load_weights("random").is_published
