"""A picture in tiles has the loss, the gradient and the transfer of the whole."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common import RECIPES, Exactly, Problem, RosettaError, load_image, oracle, resize, samples
from common.backend import BACKENDS, load_backend
from common.distances import relative, relative_l2
from common.problem import probe
from common.recipes import with_mixed, with_optimizer, with_size, with_steps
from common.tiles import TiledObjective

EVERY = [(name, mode, "max") for name, entry in BACKENDS.items() for mode in entry.tiled]
LEAN = [(name, mode, "average") for name, mode, _ in EVERY if mode == "lean"]  # whose pools are its own
BRIEF = {"style_taps": ("relu1_1",), "content_taps": ("pool1",)}  # where what is around the network is tested
TILE_PX = 64  # two by two of the content, two of the style


@pytest.fixture(scope="module")
def pictures():
    """Of odd and of even sides, none square, each larger than a tile."""
    return resize(load_image(samples.CONTENT.path), 75, 98), resize(load_image(samples.STYLE.path), 101, 60)


@pytest.fixture(scope="module")
def problem_of(pictures, weights):
    return lambda recipe, precision="float64", **changes: Problem(*pictures, recipe, weights, precision, **changes)


def assert_equal(ours, theirs, losses=1e-12, gradients=1e-10):
    (terms, gradient), (expected_terms, expected) = ours, theirs
    assert list(terms.by_name()) == list(expected_terms.by_name())
    for (term, value), other in zip(terms.by_name().items(), expected_terms.by_name().values(), strict=True):
        assert relative(value, other) <= losses, term
    assert gradient.dtype == expected.dtype
    assert relative_l2(gradient, expected) <= gradients


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_is_that_of_the_whole_picture_and_of_the_oracle(backend, problem_of, recipe):
    problem = problem_of(shallow(recipe, style_taps=("relu1_1", "relu2_1")))
    tiled, image = replace(problem, tile_px=TILE_PX), probe(problem)
    found = backend.value_and_grad(image, tiled)
    assert_equal(found, backend.value_and_grad(image, problem))
    terms, gradient = oracle.value_and_grad(image, problem)
    assert_equal(found, (terms, gradient.astype(np.float64)))
    assert relative(backend.loss_terms(image, tiled).total, terms.total) <= 1e-12


@pytest.mark.parametrize(("name", "mode", "pooling"), EVERY + LEAN)
def test_every_mode(problem_of, name, mode, pooling):
    taps = {"style_taps": ("relu1_1", "relu2_1"), "content_taps": ("conv2_2", "pool1")}
    recipe = shallow("gatys", pooling=pooling, **taps, tv_form="power", tv_weight=1.0)
    problem, backend = problem_of(recipe, mode=mode), load_backend(name)
    image = probe(problem)
    theirs = backend.value_and_grad(image, replace(problem, mode=None))
    assert_equal(backend.value_and_grad(image, replace(problem, tile_px=TILE_PX)), theirs)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_other_precisions_to_their_rounding(backend, problem_of, precision):
    problem = problem_of(shallow("pytorch-blog", pooling="average", **BRIEF), precision)
    image = probe(problem)
    theirs = backend.value_and_grad(image, problem)
    bounds = {"float32": (1e-5, 1e-4), "bfloat16": (0.02, 0.1)}[precision]
    assert_equal(backend.value_and_grad(image, replace(problem, tile_px=TILE_PX)), theirs, *bounds)


@pytest.mark.thorough
def test_the_deepest_taps(backend, weights):
    content, style = resize(load_image(samples.CONTENT.path), 217, 90), resize(load_image(samples.STYLE.path), 90, 217)
    problem = Problem(content, style, RECIPES["d2l"], weights, "float64")
    image = probe(problem)
    tiled = backend.value_and_grad(image, replace(problem, tile_px=200))
    assert_equal(tiled, backend.value_and_grad(image, problem))


@pytest.mark.parametrize("sizes", [((40, 40), (100, 60)), ((100, 60), (40, 40))])
def test_where_only_one_of_the_pictures_is_large(backend, weights, pictures, sizes):
    content, style = (resize(picture, *size) for picture, size in zip(pictures, sizes, strict=True))
    problem = Problem(content, style, shallow("pytorch-blog", **BRIEF), weights, "float64")
    image = probe(problem)
    tiled = backend.value_and_grad(image, replace(problem, tile_px=TILE_PX))
    assert_equal(tiled, backend.value_and_grad(image, problem))


@pytest.mark.parametrize("taps", [{"style_taps": ()}, {"content_taps": ()}])
def test_one_kind_of_term_alone(backend, problem_of, taps):
    problem = problem_of(shallow("d2l", **BRIEF | taps))
    image = probe(problem)
    tiled = backend.value_and_grad(image, replace(problem, tile_px=TILE_PX))
    assert_equal(tiled, backend.value_and_grad(image, problem))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_transfer_ends_in_the_same_picture(backend, problem_of, optimizer):
    recipe = with_size(with_steps(with_optimizer(shallow("d2l", **BRIEF), optimizer), 4), Exactly(75, 98))
    problem = problem_of(recipe)
    whole, tiled = (backend.stylize(it) for it in (problem, replace(problem, tile_px=TILE_PX)))
    assert np.abs(whole.image - tiled.image).max() <= 1e-6
    for ours, theirs in zip(tiled.steps, whole.steps, strict=True):
        assert relative(ours.losses.total, theirs.losses.total) <= 1e-9


def test_mixed_precision(backend, problem_of):
    recipe = with_size(with_steps(with_optimizer(shallow("d2l", **BRIEF), "adam"), 33), Exactly(75, 98))
    tiled = backend.stylize(replace(problem_of(with_mixed(recipe), "float32"), tile_px=TILE_PX))
    assert len(tiled.steps) == 33
    assert tiled.losses.total < tiled.steps[0].losses.total


def test_what_the_doctor_looks_at(backend, problem_of):
    problem = problem_of(shallow("gatys", **BRIEF))
    image = probe(problem)
    whole, tiled = (backend.tensors(image, it) for it in (problem, replace(problem, tile_px=TILE_PX)))
    assert list(whole) == list(tiled)
    for name, tensor in whole.items():
        assert tiled[name].shape == tensor.shape, name
        assert relative_l2(tiled[name], tensor) <= 1e-9, name


def test_a_small_picture_is_computed_as_a_whole(backend, problem_of):
    assert not isinstance(backend.Objective(problem_of(shallow("d2l"), tile_px=101)), TiledObjective)
    assert isinstance(backend.Objective(problem_of(shallow("d2l"), tile_px=100)), TiledObjective)


def test_a_tile_that_the_taps_do_not_fit_is_refused(problem_of):
    with pytest.raises(RosettaError, match="a tile of 30 pixels is too small"):
        problem_of(shallow("d2l"), tile_px=30)


def test_the_compiler_of_pytorch_is_not_for_tiles(problem_of):
    problem = problem_of(shallow("d2l"), mode="compiled", tile_px=TILE_PX)
    with pytest.raises(
        RosettaError, match="PyTorch compiled does not compute in tiles: use the mode eager or lean, or"
    ):
        load_backend("torch").Objective(problem)
