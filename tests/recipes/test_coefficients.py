"""The coefficients against the literal formula of each source, and each term's closed form."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from common import RECIPES, Network, oracle
from common.oracle.losses import tv_loss
from common.recipes.coefficients import CONVENTIONS, coefficients
from common.recipes.recipe import Convention, Recipe
from common.vgg19.layers import shape_at

IMAGE_PX, STYLE_PX = (37, 35), (33, 40)


def gram_sum(feature):
    """G = F^T F, not normalised."""
    flat = feature.reshape(-1, feature.shape[-1])
    return flat.T @ flat


def literal_mean(f, s, h, w, taps):
    gram = gram_sum(f) / (f.shape[-1] * f.shape[0] * f.shape[1])
    gram_s = gram_sum(s) / (s.shape[-1] * s.shape[0] * s.shape[1])
    return np.mean((gram - gram_s) ** 2)


def literal_gatys(f, s, h, w, taps):
    # E_l = 1 / (4 N^2 M^2) sum (G - A)^2, images of one size; w_l = 1 / L.
    n, m, m_s = f.shape[-1], f.shape[0] * f.shape[1], s.shape[0] * s.shape[1]
    return np.sum((gram_sum(f) - gram_sum(s) * m / m_s) ** 2) / (4 * n**2 * m**2) / taps


def literal_image(f, s, h, w, taps):
    return np.sum((gram_sum(s) - gram_sum(f)) ** 2) / (4.0 * (3**2) * ((h * w) ** 2)) / taps


def literal_blog(f, s, h, w, taps):
    c, height, width = s.shape[-1], s.shape[0], s.shape[1]
    return np.mean((gram_sum(f) - gram_sum(s)) ** 2) / (c * height * width) / taps


def literal_tensorflow_tutorial(f, s, h, w, taps):
    # No recipe has this fifth convention: it shows with the rest how far published codes are apart.
    gram, gram_s = gram_sum(f) / (f.shape[0] * f.shape[1]), gram_sum(s) / (s.shape[0] * s.shape[1])
    return np.mean((gram - gram_s) ** 2) / taps


LITERAL_STYLE = {
    "mean": literal_mean,
    "gatys": literal_gatys,
    "image": literal_image,
    "blog": literal_blog,
}
LITERAL_CONTENT = {
    "mean": lambda f, c: np.mean((f - c) ** 2),
    "gatys": lambda f, c: 0.5 * np.sum((f - c) ** 2),
    "image": lambda f, c: np.sum((f - c) ** 2),
    "blog": lambda f, c: np.mean((f - c) ** 2),
}
TAPS = ("relu1_1", "conv2_1", "relu3_4")


def recipe_of(convention) -> Recipe:
    return replace(RECIPES["d2l"], convention=convention, style_taps=TAPS, content_taps=("relu2_2",), style_weight=7.0)


@pytest.mark.parametrize("convention", LITERAL_STYLE)
@pytest.mark.parametrize("tap", TAPS)
def test_style_is_the_literal_formula(convention, tap):
    rng = np.random.default_rng(0)
    f, s = (rng.normal(1, 1, shape_at(tap, px)) for px in (IMAGE_PX, STYLE_PX))
    c = coefficients(recipe_of(convention), IMAGE_PX, STYLE_PX).style[tap]
    ours = c.k * np.sum((oracle.gram(f) - c.target_scale * oracle.gram(s)) ** 2)
    assert ours == pytest.approx(7.0 * LITERAL_STYLE[convention](f, s, *IMAGE_PX, len(TAPS)), rel=1e-12)


@pytest.mark.parametrize("convention", LITERAL_CONTENT)
def test_content_is_the_literal_formula(convention):
    rng = np.random.default_rng(0)
    f, c = rng.normal(0, 1, (2, *shape_at("relu2_2", IMAGE_PX)))
    recipe = replace(recipe_of(convention), content_weight=3.0)
    k = coefficients(recipe, IMAGE_PX, STYLE_PX).content["relu2_2"]
    assert k * np.sum((f - c) ** 2) == pytest.approx(3.0 * LITERAL_CONTENT[convention](f, c), rel=1e-12)


def neural_style_loss(f, s, h, w, taps):
    # nn.StyleLoss: G:div(input:nElement()), nn.MSECriterion, times strength.
    gram, target = gram_sum(f) / f.size, gram_sum(s) / s.size
    return 1e2 * np.mean((gram - target) ** 2)


def pytorch_tutorial_loss(f, s, h, w, taps):
    # gram_matrix: G.div(a * b * c * d) with a = 1; F.mse_loss; times style_weight, summed over the layers.
    gram, target = gram_sum(f) / (1 * f.size), gram_sum(s) / (1 * s.size)
    return 1_000_000 * np.mean((gram - target) ** 2)


def keras_io_loss(f, s, h, w, taps):
    # style_loss, and in compute_loss: (style_weight / len(style_layer_names)) * sl.
    return 1e-6 / taps * np.sum((gram_sum(s) - gram_sum(f)) ** 2) / (4.0 * (3**2) * ((h * w) ** 2))


# Style and content loss of each code, with its weights.
CODES = {
    "neural-style": (neural_style_loss, lambda f, c: 5e0 * np.mean((f - c) ** 2)),
    "pytorch-tutorial": (pytorch_tutorial_loss, lambda f, c: 1 * np.mean((f - c) ** 2)),
    "keras-io": (keras_io_loss, lambda f, c: 2.5e-8 * np.sum((f - c) ** 2)),
}


@pytest.mark.parametrize("name", CODES)
def test_a_codes_coefficients_are_its_literal_formulas_with_its_weights(name):
    recipe, (style, content), rng = RECIPES[name], CODES[name], np.random.default_rng(0)
    ours = coefficients(recipe, IMAGE_PX, STYLE_PX)
    for tap, c in ours.style.items():
        f, s = (rng.normal(1, 1, shape_at(tap, px)) for px in (IMAGE_PX, STYLE_PX))
        value = c.k * np.sum((oracle.gram(f) - c.target_scale * oracle.gram(s)) ** 2)
        assert value == pytest.approx(style(f, s, *IMAGE_PX, len(recipe.style_taps)), rel=1e-12), tap
    for tap, k in ours.content.items():
        f, c = rng.normal(0, 1, (2, *shape_at(tap, IMAGE_PX)))
        assert k * np.sum((f - c) ** 2) == pytest.approx(content(f, c), rel=1e-12), tap


def test_keras_ios_total_variation_is_its_literal_formula():
    # total_variation_loss(x) * total_variation_weight, x in 0..255 minus the means.
    x, recipe = np.random.default_rng(0).normal(0, 50, (6, 5, 3)), RECIPES["keras-io"]
    a, b = (x[:-1, :-1] - x[1:, :-1]) ** 2, (x[:-1, :-1] - x[:-1, 1:]) ** 2
    assert recipe.tv_weight * tv_loss(x, recipe.tv_form) == pytest.approx(1e-6 * np.sum((a + b) ** 1.25), rel=1e-12)


def test_five_conventions_spread_over_orders_of_magnitude():
    """The reason why conventions are data: on the same features they give very different numbers."""
    rng = np.random.default_rng(0)
    f, s = rng.normal(1, 1, (2, 18, 17, 128))
    literals = [*LITERAL_STYLE.values(), literal_tensorflow_tutorial]
    values = [literal(f, s, 37, 34, 5) for literal in literals]
    assert max(values) / min(values) > 1e4


def test_every_convention_is_checked_against_its_literal_formulas():
    assert set(CONVENTIONS) == set(LITERAL_STYLE) == set(LITERAL_CONTENT) == set(get_args(Convention))


def test_a_tap_has_the_shape_that_the_network_gives_it(weights, content):
    for tap in ("relu1_2", "pool1", "relu3_1", "relu5_1"):
        assert oracle.features(content, [tap], Network(weights))[tap].shape == shape_at(tap, content.shape[:2])


def shifted_loops(x, term):
    """Sum a function of (dy, dx) at every inner pixel and channel, with plain loops."""
    height, width, channels = x.shape
    return sum(
        term(x[i + 1, j, c] - x[i, j, c], x[i, j + 1, c] - x[i, j, c])
        for i in range(height - 1)
        for j in range(width - 1)
        for c in range(channels)
    )


def test_power_total_variation_is_the_literal_formula():
    x = np.random.default_rng(0).normal(0, 10, (6, 5, 3))
    assert tv_loss(x, "power") == pytest.approx(shifted_loops(x, lambda dy, dx: (dy**2 + dx**2) ** 1.25), rel=1e-12)


def test_absolute_total_variations_are_the_literal_formulas():
    x = np.random.default_rng(0).normal(0, 10, (6, 5, 3))
    dy, dx = np.abs(x[1:] - x[:-1]), np.abs(x[:, 1:] - x[:, :-1])
    assert tv_loss(x, "sum_abs") == pytest.approx(dx.sum() + dy.sum(), rel=1e-12)
    assert tv_loss(x, "mean_abs") == pytest.approx(0.5 * (dx.mean() + dy.mean()), rel=1e-12)
    assert tv_loss(x, "none") == 0


@pytest.mark.parametrize("form", ["mean_abs", "sum_abs", "power", "none"])
def test_backends_total_variation_is_the_oracles(backend, form, weights):
    name = backend.package
    losses, arrays = (__import__(f"{name}.{it}", fromlist=["x"]) for it in ("losses", "arrays"))
    x = np.random.default_rng(0).normal(0, 10, (6, 5, 3))
    network = Network(weights, precision="float64")
    with arrays.device_scope(network):
        ours = float(losses.tv_loss(arrays.to_native(x, network), form))
    assert ours == pytest.approx(tv_loss(x, form), rel=1e-12)
