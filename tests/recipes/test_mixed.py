"""bfloat16 first: which evaluations of a recipe are rough, and that the run arrives."""

import pytest
from shallow import shallow

from common import (
    RECIPES,
    LongestSide,
    Problem,
    with_mixed,
    with_optimizer,
    with_pyramid,
    with_size,
    with_steps,
)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("steps", [2, 30, 31, 60])
def test_the_last_30_evaluations_are_exact_and_none_is_added(name, steps):
    recipe = with_steps(RECIPES[name], steps)
    mixed = with_mixed(recipe)
    last = mixed.stages[-1]
    assert mixed.steps == steps
    assert last.steps - last.rough_steps == min(30, recipe.stages[-1].steps)


def test_coarse_stages_are_in_bfloat16_throughout():
    coarse, fine = with_mixed(with_pyramid(with_steps(RECIPES["d2l"], 100), 2)).stages
    assert (coarse.steps, coarse.rough_steps) == (50, 50)
    assert (fine.steps, fine.rough_steps) == (50, 20)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("name", ["d2l", "pytorch-blog"])
def test_a_mixed_run_ends_at_the_loss_of_the_exact_one(backend, content, style, weights, name, optimizer):
    exact = with_optimizer(with_steps(with_size(shallow(name), LongestSide(37)), 60), optimizer)
    ends = [
        backend.stylize(Problem(content, style, recipe, weights)).losses.total for recipe in (exact, with_mixed(exact))
    ]
    assert ends[1] < 1.05 * ends[0]
