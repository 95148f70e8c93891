"""The shortest known way: what it makes of each recipe, and that it arrives."""

from dataclasses import replace

import pytest
from shallow import shallow

from common import LBFGS, RECIPES, Exactly, LongestSide, Problem, Stage, with_fast, with_size, with_steps


def test_every_stage_becomes_a_shorter_one_of_l_bfgs():
    for recipe in RECIPES.values():
        fast = with_fast(recipe)
        assert {type(stage.optimizer) for stage in fast.stages} == {LBFGS}
        assert fast.stages[-1].size == recipe.stages[-1].size
        assert fast.steps <= recipe.steps


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("steps", [2, 3, 5, 10, 20, 60])
def test_the_fast_way_never_takes_more_evaluations(name, steps):
    assert with_fast(with_steps(RECIPES[name], steps)).steps <= steps


def test_gram_matrices_that_are_means_take_more_evaluations_than_sums():
    assert with_fast(RECIPES["d2l"]).stages == (Stage(Exactly(300, 450), 151, LBFGS(30)),)
    size = LongestSide(512, only_shrink=True)
    assert with_fast(RECIPES["pytorch-blog"]).stages == (Stage(size, 104, LBFGS(10)),)


def test_stages_of_the_recipes_own_stay():
    first, second = with_fast(RECIPES["gluonbook"]).stages
    assert (first, second) == (Stage(Exactly(200, 300), 151, LBFGS(30)), Stage(Exactly(800, 1200), 110, LBFGS(30)))


def test_l_bfgs_from_the_content_is_left_as_long_and_keeps_a_longer_memory():
    assert with_fast(RECIPES["keras-io"]).stages == (Stage(LongestSide(400), 4000, LBFGS(10)),)
    assert with_fast(RECIPES["pytorch-tutorial"]).stages == (Stage(LongestSide(512), 300, LBFGS(100)),)


def test_noise_is_left_out_where_there_is_a_content_to_start_from():
    assert with_fast(RECIPES["gatys"]).init == "content"
    assert with_fast(RECIPES["gatys"]).stages[0].steps == 170
    assert with_fast(replace(RECIPES["gatys"], content_taps=(), content_weight=0.0)).init == "noise"
    assert with_fast(replace(RECIPES["gatys"], content_weight=0.0)).init == "noise"
    kept = with_fast(RECIPES["gatys"], keeps_start=True)
    assert (kept.init, kept.stages[0].steps) == ("noise", 500)
    assert with_fast(replace(RECIPES["gatys"], init="image")).init == "image"


@pytest.mark.parametrize("name", ["d2l", "pytorch-blog", "gatys"])
def test_the_fast_way_ends_at_the_loss_of_the_own_run(backend, content, style, weights, name):
    own = with_steps(with_size(shallow(name), LongestSide(37)), 100)
    ends = [backend.stylize(Problem(content, style, recipe, weights)).losses.total for recipe in (own, with_fast(own))]
    assert ends[1] < 1.1 * ends[0]
