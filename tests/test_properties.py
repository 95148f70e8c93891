"""Any valid recipe gives a finite loss and gradient, and the same on every backend."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import RECIPES, Problem, load_weights
from common.backend import BACKENDS, load_backend
from common.distances import relative, relative_l2
from common.recipes import CONVENTIONS
from common.tolerances import FLOAT64
from common.vgg19.layers import NAMES
from common.vgg19.preprocessing import SPACES

SHALLOW = NAMES[: NAMES.index("conv3_2")]  # deeper taps cost time and add nothing here
taps = st.lists(st.sampled_from(SHALLOW), unique=True, max_size=3).map(tuple)
weight = st.sampled_from([0.0, 1e-3, 1.0, 1e4])


@st.composite
def recipes(draw):
    style_taps, content_taps = draw(taps), draw(taps)
    return replace(
        RECIPES["d2l"],
        style_taps=style_taps,
        content_taps=content_taps or ("conv1_1",),
        pooling=draw(st.sampled_from(["max", "average"])),
        convention=draw(st.sampled_from(list(CONVENTIONS))),
        content_weight=draw(weight),
        style_weight=draw(weight),
        tv_weight=draw(weight),
        tv_form=draw(st.sampled_from(["none", "mean_abs", "sum_abs", "power"])),
        pixel_space=draw(st.sampled_from(list(SPACES.values()))),
        family=draw(st.sampled_from(["caffe", "imagenet"])),
    )


sides = st.integers(4, 17)


@pytest.mark.parametrize("examples", [10, pytest.param(50, marks=pytest.mark.thorough)])
def test_any_recipe_is_finite_and_the_same(examples):
    limits = settings(max_examples=examples, deadline=None, derandomize=True)
    pictures = {"size": st.tuples(sides, sides), "style_size": st.tuples(sides, sides), "seed": st.integers(0, 99)}
    limits(given(recipe=recipes(), **pictures)(is_finite_and_the_same))()


def is_finite_and_the_same(recipe, size, style_size, seed):
    rng = np.random.default_rng(seed)
    content, style, image = (rng.random((*px, 3), np.float32) for px in (size, style_size, size))
    problem = Problem(content, style, recipe, load_weights(f"random:{seed % 2}"), "float64")
    answers = [load_backend(name).value_and_grad(image, problem) for name in BACKENDS]
    for terms, gradient in answers:
        assert np.isfinite(list(terms.by_name().values())).all()
        assert np.isfinite(gradient).all()
    for (one, its_gradient), (other, others_gradient) in combinations(answers, 2):
        assert relative(one.total, other.total) <= FLOAT64.losses
        assert relative_l2(its_gradient, others_gradient) <= FLOAT64.gradient
