"""Every backend against the float64 oracle, for every recipe, on real weights."""

from dataclasses import replace

import pytest

from common import RECIPES, Network, oracle
from common.backend import BACKENDS, load_backend
from common.comparison.agreement import compare
from common.distances import cosine_gap, relative, relative_l2
from common.oracle import Run, case_at
from common.tensors.recording import value_and_grad_tensors
from common.tolerances import bounds_for
from common.vgg19.layers import NAMES, cut

PRECISIONS = ("float64", "float32")
QUICK = {("d2l", "float32"), ("gatys", "float32")}  # a recipe that takes the largest, and one that averages
EVERY = [
    pytest.param(
        recipe, precision, marks=() if precision == "float64" or (recipe, precision) in QUICK else pytest.mark.thorough
    )
    for recipe in RECIPES
    for precision in PRECISIONS
]
TABLES = [
    pytest.param(
        recipe, precision, marks=() if (recipe, precision) in {*QUICK, ("d2l", "float64")} else pytest.mark.thorough
    )
    for recipe in RECIPES
    for precision in PRECISIONS
]


@pytest.fixture(scope="module")
def judged(problem_for, image):
    """The oracle's answer for a recipe and a precision, computed once for all backends."""
    answers = {}

    def judge(recipe, precision):
        if (recipe, precision) not in answers:
            answers[recipe, precision] = oracle.value_and_grad(image, problem_for(RECIPES[recipe], precision))
        return answers[recipe, precision]

    return judge


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
def test_every_loss_term(backend, problem_for, image, judged, recipe, precision):
    problem = problem_for(RECIPES[recipe], precision)
    ours, theirs = backend.loss_terms(image, problem).by_name(), judged(recipe, precision)[0].by_name()
    assert list(ours) == list(theirs)
    bound = bounds_for(precision).losses
    differences = {name: relative(ours[name], theirs[name]) for name in ours}
    assert max(differences.values()) <= bound, differences
    assert all(value > 0 for name, value in ours.items() if name != "tv" or problem.recipe.tv_weight)


@pytest.mark.parametrize(("recipe", "precision"), EVERY)
def test_gradient(backend, problem_for, image, judged, recipe, precision):
    problem = problem_for(RECIPES[recipe], precision)
    terms, gradient = backend.value_and_grad(image, problem)
    expected_terms, expected = judged(recipe, precision)
    bounds = bounds_for(precision)
    assert relative(terms.total, expected_terms.total) <= bounds.losses
    assert gradient.shape == image.shape
    if precision == "float64" or problem.recipe.pooling == "average":
        assert relative_l2(gradient, expected) <= bounds.gradient
    assert cosine_gap(gradient, expected) <= bounds.gradient_cosine_gap


@pytest.mark.parametrize(("recipe", "precision"), TABLES)
def test_whole_table_agrees(problem_for, image, recipe, precision):
    """The table that compare.py prints, for all backends at once, with float32 flips followed."""
    problem = problem_for(RECIPES[recipe], precision)
    evaluations = {name: evaluate(load_backend(name), image, problem) for name in BACKENDS}
    agreement = compare(Run(case_at(problem, image)), evaluations)
    assert agreement.agrees, ([row for row in agreement.rows if not row.agrees], agreement.findings)


def evaluate(backend, image, problem):
    relus = [layer.name for layer in cut(problem.recipe.taps) if layer.kind == "relu"]
    inner = backend.evaluation_tensors(image, problem, relus)
    terms, gradient = backend.value_and_grad(image, problem)
    return {**inner, **value_and_grad_tensors(terms, gradient)}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_inspecting_an_evaluation_does_not_change_it(backend, problem_for, image, precision):
    """The recorded terms and gradient are those of `tensors`, and those of an evaluation without records."""
    recipe = replace(RECIPES["gatys"], style_taps=("relu1_1", "relu2_1"), content_taps=("relu3_3",))
    problem = problem_for(recipe, precision)
    inner, every = backend.evaluation_tensors(image, problem, ["relu3_2"]), backend.tensors(image, problem)
    assert [name for name in inner if name.startswith("features/")] == [
        f"features/{name}" for name in dict.fromkeys(["relu3_2", *problem.recipe.taps])
    ]
    for name, array in inner.items():
        assert relative_l2(array, every[name]) <= bounds_for(precision).features, name
    for name, array in value_and_grad_tensors(*backend.value_and_grad(image, problem)).items():
        assert relative_l2(inner[name], array) <= bounds_for(precision).features, name
