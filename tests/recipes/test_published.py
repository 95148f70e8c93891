"""The recipes: what the sources say, their validity, and what the command line does to them."""

import json
from dataclasses import replace

import pytest

from common import (
    LBFGS,
    RECIPES,
    Adam,
    Exactly,
    LongestSide,
    RosettaError,
    Stage,
    Until,
    find_recipe,
    with_optimizer,
    with_proportions,
    with_pyramid,
    with_size,
    with_steps,
    with_until,
)
from common.images import extent_for
from common.recipes.recipe import recipe_from_json, recipe_to_json

CONVS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
RELUS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")

# Style taps, content taps, pooling, convention, weights, TV form, pixel space, start.
SOURCES = {
    "d2l": ((*RELUS[:4], "conv5_1"), ("relu4_4",), "max", "mean", (1, 1e4, 10), "mean_abs", "imagenet", "content"),
    "d2l-mxnet": (CONVS, ("conv4_4",), "max", "mean", (1, 1e4, 10), "mean_abs", "imagenet", "content"),
    "keras-notebook": (
        ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"),
        (),
        "max",
        "image",
        (0, 5, 0.2),
        "power",
        "caffe",
        "content",
    ),
    "gatys": (RELUS, ("relu4_2",), "average", "gatys", (1, 1e3, 0), "none", "caffe", "noise"),
    "gluonbook": (CONVS, ("conv4_4",), "max", "mean", (1, 1e3, 10), "mean_abs", "imagenet", "content"),
    "pytorch-blog": (RELUS, ("relu4_2",), "average", "blog", (1, 1e3, 1e-2), "sum_abs", "imagenet", "content"),
    "neural-style": (RELUS, ("relu4_2",), "max", "mean", (5, 100, 1e-3), "sum_abs", "caffe", "noise"),
    "pytorch-tutorial": (
        ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"),
        ("conv2_2",),
        "max",
        "mean",
        (1, 1e6, 0),
        "none",
        "unit",
        "content",
    ),
    "keras-io": (RELUS, ("relu5_2",), "max", "image", (2.5e-8, 1e-6, 1e-6), "power", "caffe", "content"),
}
STAGES = {
    "d2l": (Stage(Exactly(300, 450), 500, Adam(0.3, decay=0.8, decay_every=50)),),
    "d2l-mxnet": (Stage(Exactly(300, 450), 500, Adam(0.9, decay=0.8, decay_every=50)),),
    "keras-notebook": (Stage(Exactly(670, 670), 50 * 21, LBFGS(10, maxfun=20)),),
    "gatys": (Stage(LongestSide(512), 500, LBFGS()),),
    "gluonbook": (
        Stage(Exactly(200, 300), 500, Adam(0.01, decay=0.1, decay_every=200)),
        Stage(Exactly(800, 1200), 300, Adam(0.01, decay=0.1, decay_every=100)),
    ),
    "pytorch-blog": (Stage(LongestSide(512, only_shrink=True), 500, Adam(0.03)),),
    "neural-style": (Stage(LongestSide(512), 1000, LBFGS(memory=100)),),
    "pytorch-tutorial": (Stage(LongestSide(512), 300, LBFGS(memory=100)),),
    "keras-io": (Stage(LongestSide(400), 4000, LBFGS()),),
}
FAMILIES = {"pytorch-tutorial": "imagenet"}  # where it is not that of the pixel space
OWN_STYLE_SIZE = ("pytorch-blog", "neural-style")


def test_there_are_nine():
    assert set(RECIPES) == set(SOURCES) == set(STAGES)
    assert len(RECIPES) == 9


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_what_its_source_says(name):
    it = RECIPES[name]
    weights = (it.content_weight, it.style_weight, it.tv_weight)
    found = (
        it.style_taps,
        it.content_taps,
        it.pooling,
        it.convention,
        weights,
        it.tv_form,
        it.pixel_space.name,
        it.init,
    )
    assert found == SOURCES[name]
    assert it.family == FAMILIES.get(name, it.pixel_space.name)
    assert it.stages == STAGES[name]
    assert it.style_size == ("own" if name in OWN_STYLE_SIZE else "content")
    assert it.name == name
    assert it.source
    assert it.deviations


@pytest.mark.parametrize("name", RECIPES)
def test_json_round_trip(name):
    assert recipe_from_json(recipe_to_json(RECIPES[name])) == RECIPES[name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"style_taps": ("relu1_1", "relu1_1")}, "stands twice"),
        ({"style_taps": ("relu9_1",)}, "no layer 'relu9_1'"),
        ({"style_weight": -1.0}, "not negative"),
        ({"tv_weight": float("nan")}, "finite"),
        ({"style_taps": (), "content_taps": ()}, "at least one"),
        ({"stages": (Stage(LongestSide(64), 0, LBFGS()),)}, "at least 1 step"),
    ],
)
def test_what_cannot_be_computed_is_refused(change, words):
    with pytest.raises(RosettaError, match=words):
        replace(RECIPES["d2l"], **change)


def test_an_unknown_recipe_names_those_there_are():
    with pytest.raises(RosettaError, match="gluonbook, pytorch-blog, neural-style, pytorch-tutorial, keras-io"):
        find_recipe("picasso")


@pytest.mark.parametrize(("steps", "shares"), [(800, (500, 300)), (80, (50, 30)), (3, (2, 1)), (2, (1, 1))])
def test_steps_are_shared_over_the_stages(steps, shares):
    assert tuple(stage.steps for stage in with_steps(RECIPES["gluonbook"], steps).stages) == shares


def test_fewer_steps_than_stages_are_refused():
    with pytest.raises(RosettaError, match="give 2 or more"):
        with_steps(RECIPES["gluonbook"], 1)


def test_a_size_is_the_last_stages_and_the_first_keeps_its_proportion():
    sizes = [stage.size for stage in with_size(RECIPES["gluonbook"], LongestSide(400)).stages]
    assert sizes == [LongestSide(100), LongestSide(400)]
    sizes = [stage.size for stage in with_size(RECIPES["gluonbook"], Exactly(200, 400)).stages]
    assert sizes == [Exactly(50, 100), Exactly(200, 400)]


@pytest.mark.parametrize(
    ("height_px", "width_px", "size"),
    [(512, 512, Exactly(367, 367)), (300, 451, Exactly(300, 450)), (451, 300, Exactly(450, 300))],
)
def test_in_the_proportions_of_a_picture_a_recipe_has_as_many_pixels(height_px, width_px, size):
    (stage,) = with_proportions(RECIPES["d2l"], height_px, width_px).stages
    assert stage.size == size
    assert size.height_px * size.width_px == pytest.approx(300 * 450, rel=3e-3)


def test_every_stage_has_the_proportions_of_the_picture():
    sizes = [stage.size for stage in with_proportions(RECIPES["gluonbook"], 640, 480).stages]
    assert sizes == [Exactly(283, 212), Exactly(1131, 849)]


def test_a_size_by_the_longest_side_keeps_the_proportions_itself():
    recipe = RECIPES["pytorch-blog"]
    assert with_proportions(recipe, 100, 900) == recipe


def test_a_pyramid_shares_the_last_stages_steps_over_sizes_that_double():
    coarse, middle, fine = with_pyramid(RECIPES["d2l"], 3).stages
    assert [stage.size for stage in (coarse, middle, fine)] == [Exactly(75, 112), Exactly(150, 225), Exactly(300, 450)]
    assert [stage.steps for stage in (coarse, middle, fine)] == [167, 166, 167]
    assert [stage.continues for stage in (coarse, middle, fine)] == [False, True, True]
    assert {stage.optimizer for stage in (coarse, middle, fine)} == {Adam(0.3, decay=0.8, decay_every=50)}


def test_a_pyramids_sizes_of_a_picture_that_only_shrinks_are_parts_of_the_picture():
    half, whole = with_pyramid(RECIPES["pytorch-blog"]).stages
    assert (extent_for(half.size, 180, 200), extent_for(whole.size, 180, 200)) == ((90, 100), (180, 200))
    assert (extent_for(half.size, 900, 1000), extent_for(whole.size, 900, 1000)) == ((230, 256), (461, 512))


def test_a_pyramid_keeps_its_proportions_at_another_size():
    recipe = with_size(with_pyramid(RECIPES["pytorch-blog"]), LongestSide(300))
    assert [stage.size for stage in recipe.stages] == [LongestSide(150), LongestSide(300)]


def test_a_pyramid_ends_where_the_recipe_does():
    recipe = with_pyramid(with_until(RECIPES["d2l"], Until(loss=5.0)))
    assert [stage.until for stage in recipe.stages] == [None, Until(loss=5.0)]


def test_a_recipe_of_several_sizes_has_no_pyramid():
    with pytest.raises(RosettaError, match="gluonbook has 2 sizes of its own"):
        with_pyramid(RECIPES["gluonbook"])


@pytest.mark.parametrize("sizes", [1, 501])
def test_a_pyramid_that_cannot_be_made_is_refused(sizes):
    with pytest.raises(RosettaError, match=f"a pyramid of {sizes} sizes cannot be made in 500 steps: give 2 to 500"):
        with_pyramid(RECIPES["d2l"], sizes)


def test_an_optimizer_keeps_the_recipes_own_settings_where_it_has_them():
    assert with_optimizer(RECIPES["d2l"], "adam") == RECIPES["d2l"]
    assert with_optimizer(RECIPES["keras-notebook"], "lbfgs") == RECIPES["keras-notebook"]
    assert with_optimizer(RECIPES["d2l"], "lbfgs").stages[0].optimizer == LBFGS()
    assert with_optimizer(RECIPES["gatys"], "adam").stages[0].optimizer == Adam(5.0)


def test_what_ends_a_run_is_of_the_last_stage_and_survives_json():
    recipe = with_until(RECIPES["gluonbook"], Until(loss=3.0, change=0.01))
    assert [stage.until for stage in recipe.stages] == [None, Until(3.0, 0.01)]
    assert recipe_from_json(json.loads(json.dumps(recipe_to_json(recipe)))) == recipe


@pytest.mark.parametrize(
    "values", [{"loss": 0.0}, {"loss": -1.0}, {"loss": float("nan")}, {"change": 0}, {"change": 1}]
)
def test_what_ends_no_run_is_refused(values):
    with pytest.raises(RosettaError, match="give a "):
        Until(**values)
