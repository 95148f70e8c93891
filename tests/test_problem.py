"""What a problem derives from its pictures and its recipe, and that it refuses sizes before it resizes."""

from dataclasses import replace

import numpy as np
import pytest

from common import RECIPES, Adam, Exactly, LongestSide, Problem, RosettaError, Stage, load_weights
from common import problem as module
from common.problem import probe


@pytest.fixture
def problem():
    pictures = np.random.default_rng(0).random((2, 37, 35, 3), np.float32)
    return Problem(*pictures, RECIPES["d2l"], load_weights("random"))


def staged(problem, *sizes, style_size="content"):
    stages = tuple(Stage(size, 1, Adam(1.0)) for size in sizes)
    return replace(problem, recipe=replace(problem.recipe, stages=stages, style_size=style_size))


def test_what_follows_from_a_problem_is_made_once(problem):
    for name in ("network", "coefficients", "to_network"):
        assert getattr(problem, name) is getattr(problem, name)
    other = replace(problem, precision="float64")
    assert other.network.precision == "float64"
    assert other.network is not problem.network


@pytest.mark.parametrize("style_size", ["content", "own"])
def test_the_sizes_of_a_stage_are_those_of_its_pictures(problem, style_size):
    wide = replace(problem, style=np.tile(problem.style, (1, 2, 1)))
    for size in (Exactly(24, 30), LongestSide(34), LongestSide(64, only_shrink=True)):
        staging = staged(wide, size, style_size=style_size)
        content_px, style_px = staging.sizes_at(staging.recipe.stages[0])
        at_stage = staging.at(staging.recipe.stages[0])
        assert at_stage.content.shape[:2] == content_px
        assert at_stage.style.shape[:2] == style_px


@pytest.mark.parametrize("sizes", [[Exactly(8, 40)], [Exactly(40, 8)], [LongestSide(40), LongestSide(12)]])
def test_a_stage_that_is_too_small_is_refused_without_resizing(problem, monkeypatch, sizes):
    monkeypatch.setattr(module, "resize", None)
    with pytest.raises(RosettaError, match=r"the content is \d+x\d+ pixels and these layers need at least 16 a side"):
        staged(problem, *sizes).try_stages()
    staged(problem, Exactly(16, 16)).try_stages()


def test_a_picture_that_is_too_small_itself_is_not_helped_by_a_size(problem):
    words = r"the style is 30x13 pixels .* at least 16 a side: the picture itself is too small, whatever the size"
    with pytest.raises(RosettaError, match=words):
        replace(problem, style=problem.style[:30, :13])
    with pytest.raises(RosettaError, match=r"the content is 12x11 pixels .*: choose a larger size or shallower taps"):
        problem.at(Stage(LongestSide(12), 1, Adam(1.0)))


@pytest.mark.parametrize("image", [np.full((37, 35, 3), "a"), np.zeros((37, 35, 3), complex), np.zeros((37, 35))])
def test_what_are_no_numbers_is_no_image(problem, image):
    with pytest.raises(RosettaError, match=r"and type .*: give numbers \(height, width, 3\)"):
        replace(problem, content=image)


def test_a_style_picture_that_becomes_too_small_by_itself_is_refused(problem):
    narrow = replace(problem, style=problem.style[:, :16])
    with pytest.raises(RosettaError, match="the style is 30x13 pixels"):
        staged(narrow, LongestSide(30), style_size="own").try_stages()
    staged(narrow, LongestSide(30)).try_stages()


def test_the_probe_is_near_the_content_and_an_image(problem):
    image = probe(problem)
    assert image.dtype == np.float32
    assert (image.min(), image.max()) == (0, 1)
    assert 0.05 < np.abs(image - problem.content).mean() < 0.1
    assert np.array_equal(image, probe(problem))
