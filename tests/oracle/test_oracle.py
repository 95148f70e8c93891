"""The oracle's gradient against finite differences, and its layers against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import each_recipe

from common import RECIPES, Network, RosettaError, oracle
from common.oracle.case import case_at
from common.oracle.layers import windows
from common.oracle.losses import norm_scale, tv_gradient, tv_loss
from common.oracle.run import Run


def directional(function, x, direction, step):
    """The derivative along a direction by the five-point formula, whose error falls with step^4."""
    f = [function(x + offset * step * direction) for offset in (-2, -1, 1, 2)]
    return (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step)


@each_recipe
def test_gradient_is_the_derivative_of_the_loss(recipe, problem_for, image):
    """Along random directions, with decisions (ReLU, max-pool, abs) that may turn: hence the small step."""
    run = Run(case_at(problem_for(recipe), image))
    pixels, gradient = run.expected("pixels"), run.expected("gradient/pixels")

    def loss(x):
        return float(run.at(x).expected("loss/total"))

    rng = np.random.default_rng(0)
    for _ in range(2):
        direction = rng.standard_normal(pixels.shape) * np.abs(pixels).max()
        measured = directional(loss, pixels, direction, step=1e-8)
        assert measured == pytest.approx(float(np.sum(gradient * direction)), rel=2e-5)


def test_smooth_gradient_to_many_digits(problem_for, image):
    """Before any ReLU the loss is a polynomial of the image, and the five-point formula is exact to rounding."""
    recipe = replace(
        RECIPES["gatys"], style_taps=("conv1_1",), content_taps=("conv1_1",), tv_form="power", tv_weight=1.0
    )
    run = Run(case_at(problem_for(recipe), image))
    pixels, gradient = run.expected("pixels"), run.expected("gradient/pixels")

    def loss(x):
        return float(run.at(x).expected("loss/total"))

    direction = np.random.default_rng(0).standard_normal(pixels.shape)
    measured = directional(loss, pixels, direction, step=1e-2)
    assert measured == pytest.approx(float(np.sum(gradient * direction)), rel=1e-9)


@pytest.mark.parametrize("form", ["mean_abs", "sum_abs", "power", "none"])
def test_total_variation_gradient(form):
    x = np.random.default_rng(0).normal(0, 10, (6, 5, 3))
    gradient = tv_gradient(x, form)
    for index in ((0, 0, 0), (5, 4, 2), (2, 3, 1), (0, 4, 1), (5, 0, 0)):
        direction = np.zeros_like(x)
        direction[index] = 1
        measured = directional(lambda y: tv_loss(y, form), x, direction, step=1e-3)
        assert measured == pytest.approx(gradient[index], rel=1e-7, abs=2e-8)


@pytest.mark.parametrize("form", ["mean_abs", "sum_abs", "power"])
def test_total_variation_gradient_of_a_flat_image_is_zero(form):
    assert not tv_gradient(np.full((6, 5, 3), 0.3), form).any()


def test_a_constant_image_passes_a_convolution_as_a_sum(weights):
    grey = np.full((9, 9, 3), 0.5, np.float32)
    inner = oracle.features(grey, ["conv1_1"], Network(weights))["conv1_1"][4, 4]
    value = weights.preprocessing.apply(grey[0, 0])
    expected = weights.kernels_hwio["conv1_1"].astype(np.float64).sum(axis=(0, 1)).T @ value + weights.biases["conv1_1"]
    np.testing.assert_allclose(inner, expected, rtol=1e-12)


def test_windows_leave_out_an_odd_edge():
    x = np.arange(5 * 3, dtype=float).reshape(5, 3, 1)
    assert windows(x)[..., 0].tolist() == [[[0, 1, 3, 4]], [[6, 7, 9, 10]]]


def test_a_gram_matrix_by_hand():
    feature = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    np.testing.assert_allclose(oracle.gram(feature), [[5, 7], [7, 10]])


def test_normalisations_of_a_gram_matrix_by_hand():
    """What each makes of the mean F^T F / M, for M = 12 positions and C = 5 channels."""
    expected = {"M": 1.0, "none": 12.0, "M C": 1 / 5, "C": 12 / 5}
    assert {norm: norm_scale(norm, (3, 4, 5)) for norm in expected} == expected


def test_bad_images_are_refused(problem_for, image):
    problem = problem_for(RECIPES["d2l"])
    for bad, words in [
        (image[:, :-1], "37x34 and the content 37x35"),
        (image * 2, "give RGB in"),
        (image[..., 0], "give numbers .height, width, 3."),
        (image[:8, :8], "need at least 16"),
        (np.full_like(image, np.nan), "give RGB in"),
    ]:
        with pytest.raises(RosettaError, match=words):
            oracle.losses(bad, problem)
