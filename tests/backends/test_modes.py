"""Every execution mode and precision computes the same, and what cannot be computed is said."""

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from importlib import import_module

import numpy as np
import pytest
from shallow import shallow

from common import RECIPES, Network, RosettaError, oracle, with_steps
from common import problem as problem_module
from common.backend import BACKENDS, load_backend
from common.comparison import Request, Scene
from common.comparison.workers.client import Worker
from common.distances import cosine_gap, relative, relative_l2
from common.tolerances import bounds_for

EVERY = [(name, mode) for name, entry in BACKENDS.items() for mode in entry.modes]


@pytest.fixture(scope="module")
def scene():
    """Every kind of layer and of loss term in the first two blocks: deeper ones only take longer to compile."""
    taps = {"style_taps": ("relu1_1", "relu2_1"), "content_taps": ("relu2_2",), "tv_form": "power", "tv_weight": 1.0}
    recipe = replace(with_steps(RECIPES["gatys"], 1), init="content", **taps)
    return Scene.of(Request(recipe=recipe, weights="random"))


@pytest.fixture(scope="module")
def worker_of():
    """A function from a backend to its worker: compilers and frameworks do not always share a process."""
    with ExitStack() as workers:
        yield cache(lambda name: workers.enter_context(Worker(name)))


# torch.compile takes half a minute for its first evaluation.
@pytest.mark.parametrize(
    ("name", "mode"),
    [pytest.param(*row, marks=pytest.mark.thorough if row[1] == "compiled" else ()) for row in EVERY],
)
def test_every_mode_computes_the_oracles_loss_and_gradient(scene, worker_of, name, mode):
    problem = replace(scene.problem_at("float64", "24x30"), mode=mode)
    image = np.random.default_rng(2).random(problem.content.shape, np.float32)
    found = worker_of(name).ask("prepare", scene.job(problem, image))
    terms, gradient = oracle.value_and_grad(image, problem)
    assert relative(float(found.arrays["loss/total"]), terms.total) <= 1e-12
    assert relative_l2(found.arrays["gradient/pixels"], gradient) <= 1e-10


# Average and max pools, taps on both sides of ReLUs, and odd and even sides, which pools treat in two ways.
@pytest.mark.parametrize(
    ("recipe", "side_px"),
    [("d2l", 35), ("gatys", 35), ("pytorch-tutorial", 35), ("keras-notebook", 32)],
)
@pytest.mark.parametrize("name", [name for name, entry in BACKENDS.items() if "lean" in entry.modes])
def test_lean_is_the_default_mode_without_a_tape(problem_for, image, name, recipe, side_px):
    backend = load_backend(name)
    problem, image = problem_for(RECIPES[recipe], "float64"), image[:, :side_px]
    problem = replace(problem, content=problem.content[:, :side_px])
    expected_terms, expected = backend.value_and_grad(image, problem)
    terms, gradient = backend.value_and_grad(image, replace(problem, mode="lean"))
    assert terms.by_name() == pytest.approx(expected_terms.by_name(), rel=1e-13)
    assert relative_l2(gradient, expected) <= 1e-13


@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name, mode in EVERY if mode == "lean" or mode not in BACKENDS[name].fused]
)
def test_bfloat16_is_another_precision_but_the_same_network(problem_for, image, name, mode):
    problem = replace(problem_for(shallow("gatys"), "bfloat16"), mode=mode)
    terms, gradient = load_backend(name).value_and_grad(image, problem)
    expected_terms, expected = oracle.value_and_grad(image, replace(problem, precision="float64"))
    bounds = bounds_for("bfloat16")
    assert gradient.dtype == np.float32
    assert 1e-6 < relative(terms.total, expected_terms.total) <= bounds.losses
    assert cosine_gap(gradient, expected) <= bounds.gradient_cosine_gap


def test_bfloat16_feature_maps_come_out_as_float32(backend, weights, content):
    ours = backend.features(content, ["relu1_1", "relu5_1"], Network(weights, precision="bfloat16"))
    theirs = oracle.features(content, ["relu1_1", "relu5_1"], Network(weights))
    for tap, feature in ours.items():
        assert feature.dtype == np.float32
        assert 1e-4 < relative_l2(feature, theirs[tap]) <= bounds_for("bfloat16").features


def test_the_gradient_at_a_tap_in_bfloat16_has_what_follows_the_tap(backend, problem_for, image):
    """Not that of the tap's own terms alone, which points elsewhere."""
    problem = problem_for(shallow("gatys"), "bfloat16")
    recorded = backend.evaluation_tensors(image, problem, [])
    expected = oracle.Run(oracle.case_at(replace(problem, precision="float64"), image))
    for name in (f"gradient/features/{tap}" for tap in problem.recipe.taps):
        assert cosine_gap(recorded[name], expected.expected(name)) <= bounds_for("bfloat16").gradient_cosine_gap, name


FOREIGN = [
    (name, mode)
    for name, entry in BACKENDS.items()
    for mode in dict.fromkeys([*(mode for _, mode in EVERY), "default", "no such mode"])
    if mode not in entry.modes
]


@pytest.mark.parametrize(("name", "mode"), FOREIGN)
def test_a_mode_of_another_framework_is_refused(problem_for, image, name, mode):
    with pytest.raises(RosettaError, match=f"has no mode '{mode}': use "):
        load_backend(name).value_and_grad(image, replace(problem_for(shallow("d2l")), mode=mode))


def test_tf32_is_refused_without_its_gpu(backend, weights):
    with pytest.raises(RosettaError, match="TF32 needs an NVIDIA GPU"):
        backend.check_arithmetic(Network(weights, precision="tf32"))


def test_bfloat16_is_refused_where_the_processor_has_none(backend, weights, monkeypatch):
    monkeypatch.setattr(problem_module, "lacks_bfloat16", lambda: True)
    with pytest.raises(RosettaError, match="no bfloat16 instructions"):
        backend.check_arithmetic(Network(weights, precision="bfloat16"))
    monkeypatch.setattr(problem_module, "lacks_bfloat16", lambda: False)
    backend.check_arithmetic(Network(weights, precision="bfloat16"))


def test_the_forward_pass_alone_gives_the_same_loss(backend, problem_for, image):
    problem = problem_for(shallow("d2l"))
    objective = backend.Objective(problem)
    alone = objective.forward_terms(objective.variable(problem.pixels(image)))
    expected = backend.loss_terms(image, problem)
    assert float(alone.tv) == expected.tv
    assert {tap: float(value) for tap, value in alone.style.items()} == pytest.approx(dict(expected.style), rel=1e-12)


def test_what_was_asked_for_has_been_done_when_wait_returns(backend, problem_for, image):
    """A framework that answers before it has computed would be timed as fast, and slow down whoever is timed next."""
    problem = problem_for(shallow("gatys"))
    objective, pixels = backend.Objective(problem), problem.pixels(image)
    variable, kept_s, dropped_s = objective.variable(pixels), [], []

    def evaluate_and_drop():
        objective.terms_and_gradient(variable)
        objective.wait()

    for _ in range(4):
        for durations_s, work in ((kept_s, lambda: objective.evaluate(pixels)), (dropped_s, evaluate_and_drop)):
            start_s = time.perf_counter()
            work()
            durations_s.append(time.perf_counter() - start_s)
    assert min(dropped_s) > 0.2 * min(kept_s)


def test_the_environment_says_what_decides_the_speed(backend, weights):
    found = backend.environment(Network(weights))
    assert found["flags"]["TF32"] is False
    if backend.package in ("torch_impl", "keras_impl"):
        assert {"oneDNN", "CUDA build", "cuDNN build"} <= set(found["flags"])
    assert found["gpu"] is None
    assert backend.peak_memory(Network(weights)) is None


@pytest.mark.parametrize(("name", "function"), [("torch", "torch.mm"), ("keras", "tensorflow.matmul")])
@pytest.mark.parametrize(("precision", "dtype"), [("float64", "float64"), ("bfloat16", "bfloat16")])
def test_a_matrix_product_is_of_two_matrices_of_that_size_in_the_layers_precision(
    monkeypatch, weights, name, function, precision, dtype
):
    seen, framework = [], import_module(function.split(".")[0])
    product = getattr(framework, function.split(".")[1])

    def spied(one, other):
        seen.append([(tuple(matrix.shape), matrix.dtype) for matrix in (one, other)])
        return product(one, other)

    monkeypatch.setattr(framework, function.split(".")[1], spied)
    multiply = load_backend(name).matrix_product(16, Network(weights, precision=precision))
    assert seen == [], "nothing is computed before it is timed"
    multiply()
    multiply()
    assert seen == [[((16, 16), getattr(framework, dtype))] * 2] * 2
