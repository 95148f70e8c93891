"""Preprocessing with other means, divisors or orders, of all pictures or of one, is said with its numbers."""

import numpy as np
import pytest
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, random_case
from common.tensors import tensor_names

MEANS = np.array([123.68, 116.779, 103.939])


@pytest.fixture(scope="module")
def case():
    return random_case(3, shallow("gatys"), load_weights("random"))


PLANTED = {
    "less (120, 120, 120) instead of (123.7, 116.8, 103.9)": lambda rgb: (255 * rgb - 120)[..., ::-1],
    "less (0, 0, 0) instead of (123.7, 116.8, 103.9)": lambda rgb: 255 * rgb[..., ::-1],
    "divided by (58.39, 57.12, 57.37) instead of (1, 1, 1)": lambda rgb: (
        (255 * rgb - MEANS) / (255 * np.array([0.229, 0.224, 0.225]))
    )[..., ::-1],
    "less (127.5, 127.5, 127.5) instead of (123.7, 116.8, 103.9) and divided by (2, 2, 2) instead of (1, 1, 1) and in "
    "the order RGB": lambda rgb: (255 * rgb - 127.5) / 2,
}


@pytest.mark.parametrize("words", PLANTED)
def test_what_is_subtracted_and_divided_by_is_said(words, case):
    pixels = PLANTED[words](case.image.astype(np.float64))
    first, *_ = diagnose(case, {"pixels": pixels.astype(np.float32)}).findings
    assert first.tensor == "pixels"
    assert first.trap is not None or words in first.evidence or "with nothing subtracted" in first.evidence


def test_numbers_that_are_no_traps_are_said(case):
    pixels = PLANTED[next(iter(PLANTED))](case.image.astype(np.float64))
    (finding,) = diagnose(case, {"pixels": pixels.astype(np.float32)}).findings
    assert finding.recognised.sentence == f"it is RGB in 0..255, {next(iter(PLANTED))}"


def test_noise_is_no_normalisation(case):
    """A channel without a relation to its colour has no means of its own."""
    noise = np.random.default_rng(0).uniform(-100, 100, case.image.shape)
    (finding,) = diagnose(case, {"pixels": noise.astype(np.float32)}).findings
    assert finding.recognised is None


@pytest.mark.parametrize("role", ["content", "style"])
def test_means_that_are_left_out_of_one_picture_are_said_of_that_picture(role, case):
    run, problem = Run(case), case.problem
    picture = getattr(problem, role).astype(np.float64)
    names = [name for name in tensor_names(problem) if name.startswith(("pixels", "input", "gram/", f"target/{role}"))]
    given = {name: run.expected(name) for name in names}
    other = Run(case, given={"input": 255 * picture[..., ::-1]})  # a picture's maps are the image's at its place
    for name in names:
        if name.startswith("target/"):
            feature = other.expected(f"features/{name.split('/')[2]}")
            flat = feature.reshape(-1, feature.shape[-1])
            given[name] = feature if role == "content" else flat.T @ flat / len(flat)
    (finding,) = diagnose(case, given, "float64").findings
    assert finding.trap.number == 2
    assert finding.detail == f"no means are subtracted: the {role} picture, not the image"


def test_means_that_are_left_out_of_both_pictures_are_one_finding(case):
    run = Run(case)
    given = {name: run.expected(name) for name in ("pixels", "input", "gram/relu1_1")}
    for role, taps in (("content", case.problem.recipe.content_taps), ("style", case.problem.recipe.style_taps)):
        picture = getattr(case.problem, role).astype(np.float64)
        other = Run(case, given={"input": 255 * picture[..., ::-1]})
        for tap in taps:
            feature = other.expected(f"features/{tap}")
            flat = feature.reshape(-1, feature.shape[-1])
            given[f"target/{role}/{tap}"] = feature if role == "content" else flat.T @ flat / len(flat)
    (finding,) = diagnose(case, given, "float64").findings
    assert finding.detail == "no means are subtracted: both pictures, not the image"


def test_a_small_factor_is_no_normalisation_without_a_difference(case):
    given = {"pixels": Run(case).expected("pixels"), "input": Run(case).expected("input") / 1.005}
    (finding,) = diagnose(case, given, "float64").findings
    assert "0..255, " not in finding.evidence or "instead of" in finding.evidence
