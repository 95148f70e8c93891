"""bfloat16 first: which evaluations of a recipe are rough, and that the run arrives."""

from dataclasses import replace

import pytest
from shallow import shallow

from common import (
    LBFGS,
    RECIPES,
    Adam,
    LongestSide,
    Problem,
    RosettaError,
    Stage,
    Until,
    with_mixed,
    with_optimizer,
    with_pyramid,
    with_size,
    with_steps,
    with_until,
)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("steps", [2, 30, 31, 60])
def test_the_last_30_evaluations_are_exact_and_none_is_added(name, steps):
    recipe = with_optimizer(with_steps(RECIPES[name], steps), "adam")
    mixed = with_mixed(recipe)
    last = mixed.stages[-1]
    assert mixed.steps == steps
    assert last.steps - last.bfloat16_steps == min(30, recipe.stages[-1].steps)


def test_coarse_stages_are_in_bfloat16_throughout():
    coarse, fine = with_mixed(with_pyramid(with_steps(RECIPES["d2l"], 100), 2)).stages
    assert (coarse.steps, coarse.bfloat16_steps) == (50, 50)
    assert (fine.steps, fine.bfloat16_steps) == (50, 20)


def test_l_bfgs_stays_exact_and_is_refused_where_nothing_else_is():
    adam, lbfgs = with_optimizer(with_pyramid(RECIPES["d2l"], 2), "adam").stages, LBFGS()
    mixed = with_mixed(replace(RECIPES["d2l"], stages=(replace(adam[0], optimizer=lbfgs), adam[1])))
    assert [stage.bfloat16_steps for stage in mixed.stages] == [0, adam[1].steps - 30]
    with pytest.raises(RosettaError, match="d2l runs by L-BFGS"):
        with_mixed(with_optimizer(RECIPES["d2l"], "lbfgs"))


@pytest.mark.parametrize("steps", [60, 480, 1000])
@pytest.mark.parametrize("name", ["d2l", "pytorch-blog"])
def test_another_number_of_steps_keeps_the_last_30_exact(name, steps):
    recipe = with_optimizer(RECIPES[name], "adam")
    assert with_steps(with_mixed(recipe), steps) == with_mixed(with_steps(recipe, steps))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda recipe: with_optimizer(recipe, "lbfgs"), "mixed precision is for Adam"),
        (lambda recipe: with_until(recipe, Until(change=0.01)), "mixed precision ends by float32 after all steps"),
        (with_pyramid, "470 of 250 steps cannot be in bfloat16: make the recipe mixed last"),
    ],
    ids=["optimizer", "until", "pyramid"],
)
def test_what_a_mixed_recipe_cannot_become_is_refused(change, words):
    with pytest.raises(RosettaError, match=words):
        change(with_mixed(RECIPES["d2l"]))


def test_an_end_that_may_come_in_bfloat16_is_refused():
    with pytest.raises(RosettaError, match="leave out --until and --until-loss, or mixed"):
        with_mixed(with_until(RECIPES["d2l"], Until(loss=1.0)))


@pytest.mark.parametrize("count", [-1, 11])
def test_no_stage_has_more_steps_in_bfloat16_than_steps(count):
    with pytest.raises(RosettaError, match=f"{count} of 10 steps cannot be in bfloat16"):
        Stage(LongestSide(37), 10, Adam(0.1), bfloat16_steps=count)


@pytest.mark.parametrize("name", ["d2l", "pytorch-blog"])
def test_a_mixed_run_ends_at_the_loss_of_the_exact_one(backend, content, style, weights, name):
    exact = with_steps(with_size(shallow(name), LongestSide(37)), 60)
    ends = [
        backend.stylize(Problem(content, style, recipe, weights)).losses.total for recipe in (exact, with_mixed(exact))
    ]
    assert ends[1] < 1.02 * ends[0]


def test_evaluations_are_in_the_precision_that_the_recipe_says(backend, content, style, weights):
    """The first of 31 in bfloat16, the second in float32; far from 0 and 1, where pictures are clipped."""
    recipe = with_mixed(with_steps(with_size(shallow("d2l"), LongestSide(37)), 31))
    problem = Problem(0.3 + 0.4 * content, style, recipe, weights)
    at_start = problem.at(recipe.stages[0])
    start = at_start.pixels(at_start.content)
    rough, exact = (
        backend.Objective(replace(at_start, precision=precision)).evaluate(start)[0].total
        for precision in ("bfloat16", "float32")
    )
    assert rough != pytest.approx(exact, rel=1e-4), "precisions that cannot be told apart"
    pictures = []
    steps = backend.stylize(problem, on_step=lambda _, picture: pictures.append(picture())).steps
    assert steps[0].losses.total == pytest.approx(rough, rel=1e-6)
    assert steps[1].losses.total == pytest.approx(backend.loss_terms(pictures[0], at_start).total, rel=1e-4)
