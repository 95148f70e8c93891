"""Every backend against the float64 oracle, for every recipe, on real weights."""

from functools import cache

import pytest
from shallow import shallow

from common import RECIPES, Network, oracle
from common.backend import BACKENDS, load_backend
from common.comparison.agreement import compare
from common.distances import cosine_gap, relative, relative_l2
from common.oracle import Run, case_at
from common.tensors.recording import value_and_grad_tensors
from common.tolerances import bounds_for
from common.vgg19.layers import NAMES, cut

PRECISIONS = ("float64", "float32")
QUICK = [("d2l", "float32"), ("gatys", "float32")]  # a recipe that takes the largest, and one that averages
IN_FLOAT64 = [(recipe, "float64") for recipe in RECIPES]
IN_FLOAT32 = [
    pytest.param(recipe, "float32", marks=() if (recipe, "float32") in QUICK else pytest.mark.thorough)
    for recipe in RECIPES
]
EVERY = [*IN_FLOAT64, *IN_FLOAT32]
TABLES = [pytest.param(*each, marks=pytest.mark.thorough) for each in IN_FLOAT64] + IN_FLOAT32


@pytest.fixture(scope="module")
def judged(problem_for, image):
    """The oracle's answer for a recipe and a precision, computed once for all backends."""
    return cache(lambda recipe, precision: oracle.value_and_grad(image, problem_for(RECIPES[recipe], precision)))


@pytest.fixture(scope="module")
def evaluated(problem_for, image):
    """A backend's answer for a recipe and a precision, computed once for all claims."""
    return cache(
        lambda name, recipe, precision: load_backend(name).value_and_grad(
            image, problem_for(RECIPES[recipe], precision)
        )
    )


@pytest.fixture(params=BACKENDS, scope="module")
def name(request):
    return request.param


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_features_of_every_layer(backend, weights, content, pooling, precision):
    network = Network(weights, pooling, precision)
    ours, theirs = backend.features(content, NAMES, network), oracle.features(content, NAMES, network)
    assert list(ours) == list(NAMES)
    for name in NAMES:
        assert ours[name].shape == theirs[name].shape
        assert ours[name].dtype == precision
        assert relative_l2(ours[name], theirs[name]) <= bounds_for(precision).features, name


@pytest.mark.parametrize(("recipe", "precision"), EVERY)
def test_every_loss_term(name, evaluated, judged, recipe, precision):
    ours, theirs = (answer[0].by_name() for answer in (evaluated(name, recipe, precision), judged(recipe, precision)))
    assert list(ours) == list(theirs)
    bound = bounds_for(precision).losses
    differences = {term: relative(ours[term], theirs[term]) for term in ours}
    assert max(differences.values()) <= bound, differences
    assert all(value > 0 for term, value in ours.items() if term != "tv" or RECIPES[recipe].tv_weight)


@pytest.mark.parametrize(("recipe", "precision"), EVERY)
def test_gradient(name, evaluated, judged, image, recipe, precision):
    terms, gradient = evaluated(name, recipe, precision)
    expected_terms, expected = judged(recipe, precision)
    bounds = bounds_for(precision)
    assert relative(terms.total, expected_terms.total) <= bounds.losses
    assert gradient.shape == image.shape
    if precision == "float64" or RECIPES[recipe].pooling == "average":
        assert relative_l2(gradient, expected) <= bounds.gradient
    assert cosine_gap(gradient, expected) <= bounds.gradient_cosine_gap


@pytest.mark.parametrize(("recipe", "precision"), TABLES)
def test_whole_table_agrees(problem_for, image, evaluated, recipe, precision):
    """The table that compare.py prints, for all backends at once, with float32 flips followed."""
    problem = problem_for(RECIPES[recipe], precision)
    relus = [layer.name for layer in cut(problem.recipe.taps) if layer.kind == "relu"]
    evaluations = {
        name: {
            **load_backend(name).evaluation_tensors(image, problem, relus),
            **value_and_grad_tensors(*evaluated(name, recipe, precision)),
        }
        for name in BACKENDS
    }
    agreement = compare(Run(case_at(problem, image)), evaluations)
    assert agreement.agrees, ([row for row in agreement.rows if not row.agrees], agreement.findings)


@pytest.mark.parametrize(("recipe", "precision"), [*((recipe, "float64") for recipe in RECIPES), ("gatys", "float32")])
def test_the_loss_terms_alone_are_those_of_the_evaluation(backend, problem_for, image, recipe, precision):
    problem = problem_for(shallow(recipe), precision)
    alone, expected = backend.loss_terms(image, problem), backend.value_and_grad(image, problem)[0]
    assert alone.by_name() == pytest.approx(expected.by_name(), rel=bounds_for(precision).losses)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_inspecting_an_evaluation_does_not_change_it(backend, problem_for, image, precision):
    """The recorded terms and gradient are those of `tensors`, and those of an evaluation without records."""
    problem = problem_for(shallow("gatys"), precision)
    inner, every = backend.evaluation_tensors(image, problem, ["relu1_2"]), backend.tensors(image, problem)
    assert [name for name in inner if name.startswith("features/")] == [
        f"features/{name}" for name in dict.fromkeys(["relu1_2", *problem.recipe.taps])
    ]
    for name, array in inner.items():
        assert relative_l2(array, every[name]) <= bounds_for(precision).features, name
    for name, array in value_and_grad_tensors(*backend.value_and_grad(image, problem)).items():
        assert relative_l2(inner[name], array) <= bounds_for(precision).features, name
