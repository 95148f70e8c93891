"""The whole transfer on both backends: starts, stages, records, and that the loss falls."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common import (
    LBFGS,
    Adam,
    Exactly,
    LongestSide,
    Problem,
    RosettaError,
    RunResult,
    Stage,
    Until,
    oracle,
    resize,
    with_until,
)
from common.stages import start_pixels

OPTIMIZERS = {"adam": Adam(0.1), "lbfgs": LBFGS()}
SMALL = Stage(Exactly(19, 23), 4, Adam(0.1))


@pytest.fixture
def small(content, style, weights):
    return Problem(content, style, shallow("d2l", stages=(SMALL,)), weights)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_the_loss_falls_and_the_result_is_the_pictures(backend, small, optimizer):
    problem = replace(small, recipe=replace(small.recipe, stages=(replace(SMALL, steps=8, optimizer=optimizer),)))
    result = backend.stylize(problem)
    assert len(result.steps) == 8
    assert result.losses.total < 0.7 * result.steps[0].losses.total
    assert result.image.shape == (19, 23, 3)
    assert result.image.dtype == np.float32
    assert 0 <= result.image.min() <= result.image.max() <= 1
    inside = replace(small.at(SMALL), recipe=problem.recipe)
    clipped = oracle.losses(result.image, inside).total
    assert clipped == pytest.approx(result.losses.total, rel=0.1), "clipping to [0, 1] is all the difference"


def test_the_first_step_is_the_loss_of_the_start(backend, small):
    at_start = oracle.losses(small.at(SMALL).content, small.at(SMALL))
    first = backend.stylize(small).steps[0].losses
    assert first.total == pytest.approx(at_start.total, rel=1e-5)


@pytest.mark.parametrize("init", ["content", "noise"])
def test_two_stages_go_on_from_the_first_ones_picture(backend, small, init):
    """A run that starts from noise, too: none is drawn for the second stage."""
    stages = (SMALL, Stage(Exactly(31, 37), 3, Adam(0.1)))
    pictures = []
    result = backend.stylize(
        replace(small, recipe=replace(small.recipe, stages=stages, init=init)),
        on_step=lambda step, picture: pictures.append((step.stage, picture())),
    )
    assert [step.stage for step in result.steps] == [1] * 4 + [2] * 3
    assert [step.evaluation for step in result.steps] == list(range(1, 8))
    assert [(stage, picture.shape[:2]) for stage, picture in pictures] == [(1, (19, 23))] * 4 + [(2, (31, 37))] * 3
    assert result.image.shape == (31, 37, 3)
    _, end_of_first = pictures[3]
    expected = oracle.losses(resize(end_of_first, 31, 37), small.at(stages[1])).total
    assert result.steps[4].losses.total == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("continues", [True, False])
def test_a_stage_that_continues_keeps_adams_moments(backend, small, continues):
    """At one size two stages are then one, but for the picture between them, which is rounded to float32."""
    optimizer = Adam(0.01, decay=0.5, decay_every=3)
    whole = replace(SMALL, steps=8, optimizer=optimizer)
    half = replace(whole, steps=4)
    grey = replace(small, content=0.3 + 0.4 * small.content)  # far from 0 and 1, where nothing is clipped
    once, twice = (
        backend.stylize(replace(grey, recipe=replace(grey.recipe, stages=stages)))
        for stages in ((whole,), (half, replace(half, continues=continues)))
    )
    assert bool(np.abs(once.image - twice.image).max() < 2e-6) == continues


@pytest.mark.parametrize(("optimizer", "ahead"), [(Adam(0.01), 1), (LBFGS(), 0)], ids=["adam", "lbfgs"])
def test_a_callback_is_given_the_picture_of_its_step(backend, small, optimizer, ahead):
    """After Adam's update, whose loss is the next step's; or the point that L-BFGS evaluated."""
    stage = replace(SMALL, steps=3, optimizer=optimizer)
    grey = replace(small, content=0.3 + 0.4 * small.content)  # far from 0 and 1, where nothing is clipped
    problem = replace(grey, recipe=replace(grey.recipe, stages=(stage,)))
    pictures = []
    result = backend.stylize(problem, on_step=lambda _, picture: pictures.append(picture()))
    losses = [*(step.losses.total for step in result.steps), result.losses.total]
    inside = problem.at(stage)
    for number, picture in enumerate(pictures):
        assert 0 < picture.min() < picture.max() < 1
        assert oracle.losses(picture, inside).total == pytest.approx(losses[number + ahead], rel=1e-4)
    assert len({round(np.log(loss), 2) for loss in losses[:3]}) == 3, "steps that cannot be told apart"


def test_noise_is_the_same_for_the_same_seed_on_every_backend(small):
    problem = replace(small, recipe=replace(small.recipe, init="noise"))
    one, again, other = (start_pixels(problem, None, None, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    rgb = problem.image(one)
    assert (rgb.min() < 0.01, rgb.max() > 0.99, abs(float(rgb.mean()) - 0.5) < 0.05) == (True, True, True)


def test_an_initial_image_is_resized_and_must_be_given(backend, small):
    problem = replace(small, recipe=replace(small.recipe, init="image"))
    init = np.random.default_rng(0).random((50, 60, 3), np.float32)
    first = backend.stylize(problem, init=init).steps[0].losses.total
    at_stage = problem.at(SMALL)
    expected = oracle.losses(at_stage.image(start_pixels(at_stage, None, init, 0)), at_stage).total
    assert first == pytest.approx(expected, rel=1e-5)
    with pytest.raises(RosettaError, match="none was given"):
        backend.stylize(problem)


def test_the_style_is_resized_to_the_contents_size_or_on_its_own(small, content, style):
    stage = Stage(LongestSide(20), 1, Adam(0.1))
    together = small.at(stage)
    own = replace(small, recipe=replace(small.recipe, style_size="own")).at(stage)
    assert together.content.shape == together.style.shape == (20, 19, 3)
    assert own.style.shape == (16, 20, 3)


def test_a_loss_that_is_not_finite_ends_the_run(backend, small):
    broken = replace(small.weights, biases={**small.weights.biases, "conv1_1": np.full(64, np.inf, np.float32)})
    with pytest.raises(RosettaError, match=r"is (nan|inf) at evaluation"):
        backend.stylize(replace(small, weights=broken))


def test_a_result_survives_json(backend, small):
    result = backend.stylize(small)
    again = RunResult.from_json(result.to_json(), result.image)
    assert again.steps == result.steps
    assert again.losses == result.losses
    assert again.setup_s == result.setup_s


def test_a_device_that_is_not_there_is_refused(backend, small):
    with pytest.raises(RosettaError, match="there is no device 'gpu:7'"):
        backend.stylize(replace(small, device="gpu:7"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_run_ends_where_its_loss_is_reached(backend, small, optimizer):
    """Its picture is the first point whose loss is low enough, not one step further."""
    stage = replace(SMALL, steps=30, optimizer=optimizer)
    whole = [
        step.losses.total for step in backend.stylize(replace(small, recipe=shallow("d2l", stages=(stage,)))).steps
    ]
    wanted = 0.6 * whole[0]
    recipe = with_until(shallow("d2l", stages=(stage,)), Until(loss=wanted))
    result = backend.stylize(replace(small, recipe=recipe))
    first = next(number for number, loss in enumerate(whole, start=1) if loss <= wanted)
    assert 1 < len(result.steps) == first < 30
    assert result.losses.total == pytest.approx(result.steps[-1].losses.total, rel=1e-5)
    assert result.losses.total <= wanted * (1 + 1e-5)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_run_ends_where_its_loss_hardly_falls(backend, small, optimizer):
    stage = replace(SMALL, steps=60, optimizer=optimizer)
    recipe = with_until(shallow("d2l", stages=(stage,)), Until(change=0.5))
    lowest = np.minimum.accumulate([step.losses.total for step in backend.stylize(replace(small, recipe=recipe)).steps])
    assert 20 < len(lowest) < 60
    assert lowest[-1] > 0.5 * lowest[-21]
    assert all(lowest[at] <= 0.5 * lowest[at - 20] for at in range(20, len(lowest) - 1))
