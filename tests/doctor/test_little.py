"""Ports that hand over little: what is said, and what they are told to hand over next."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from shallow import shallow

from common import oracle
from common.doctor.diagnosis.findings import NOTHING_FITS, Diagnosis, Finding
from common.doctor.diagnosis.next_step import next_step
from common.doctor.diagnosis.totals import term_factors, varied_cases
from common.oracle import RIGHT
from common.oracle.case import random_case
from common.vgg19.weights import random_weights


@pytest.fixture(scope="module")
def problem():
    return random_case(3, shallow("d2l"), random_weights(0)).problem


def told(problem, given, wrong=None):
    findings = (Finding(None, wrong, NOTHING_FITS, ()),) if wrong else ()
    return next_step(Diagnosis(tuple(SimpleNamespace(name=name) for name in given), findings, RIGHT), problem)


@pytest.mark.parametrize(
    ("given", "wrong", "words"),
    [
        (["loss/total"], None, "gradient/pixels, to have the derivative checked"),
        (["loss/total"], "loss/total", "loss/content/*, loss/style/*, loss/tv, which would place"),
        (["loss/total", "gradient/pixels"], None, "adam/1/pixels and those after it, or lbfgs/pixels"),
        (
            ["loss/total", "gradient/pixels"],
            "gradient/pixels",
            "loss/content/*, loss/style/*, loss/tv, gradient/features",
        ),
        (["loss/style/relu2_1"], "loss/style/relu2_1", "gram/relu2_1, target/style/relu2_1, which"),
        (["loss/content/relu2_2"], "loss/content/relu2_2", "features/relu2_2, target/content/relu2_2, which"),
        (["gram/relu2_1"], "gram/relu2_1", "pixels, input, features/*, which"),
        (["gradient/pixels", "lbfgs/losses"], None, "saved, the bytes of the picture file"),
    ],
)
def test_the_tensor_that_would_place_the_error_is_asked_for(problem, given, wrong, words):
    assert words in told(problem, given, wrong)


def test_nothing_is_asked_for_when_all_has_been_handed_over(problem):
    assert told(problem, ["loss/total", "gradient/pixels", "adam/1/pixels", "saved"]) is None


@pytest.fixture(scope="module")
def varied(problem):
    return varied_cases(problem)


def factors_of(varied, **changes):
    """What is said of a port whose recipe differs, and whose losses are float32."""
    problems = [(it.image, replace(it.problem, recipe=replace(it.problem.recipe, **changes))) for it in varied]
    return term_factors(varied, [np.float32(oracle.losses(image, problem).total) for image, problem in problems])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "the sum of the reference's terms to "),
        ({"content_weight": 10.0}, "with 10 times loss/content/relu2_2, to"),
        ({"tv_weight": 0.0}, "with 0 times loss/tv, to"),
        ({"pooling": "average"}, "no factors of its terms make the loss"),
    ],
)
def test_losses_at_a_few_pictures_tell_which_term_has_another_weight(varied, changes, words):
    assert words in factors_of(varied, **changes).sentence


def test_a_loss_that_is_not_finite_fits_nothing(varied):
    assert "no factors" in term_factors(varied, [np.nan] * len(varied)).sentence
