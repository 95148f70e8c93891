"""The optimizers: 20 steps on every backend, and Adam's textbook form against the natives."""

from itertools import combinations

import keras
import numpy as np
import pytest
import tensorflow as tf
from shallow import shallow

from common import LBFGS, Adam, Exactly, Stage
from common.backend import BACKENDS, load_backend
from common.points import Point
from common.recorder import Recorder
from common.stages import run_adam, run_lbfgs
from common.tolerances import TWENTY_STEPS_PX

OPTIMIZERS = {
    "adam": Adam(5.0, decay=0.8, decay_every=7),
    "lbfgs": LBFGS(memory=10),
    "restarted lbfgs": LBFGS(memory=10, maxfun=6),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_twenty_steps_end_at_the_same_picture(problem_for, content, optimizer):
    """In 0..255, where 1e-6 is nothing; average pooling, so that no rounding can turn a choice; deeper adds nothing."""
    stage = Stage(Exactly(*content.shape[:2]), 20, optimizer)
    recipe = shallow("gatys", init="content", stages=(stage,), tv_form="power", tv_weight=1.0)
    problem = problem_for(recipe).at(stage)
    start = problem.pixels(problem.content)
    ends = [run_stage(name, problem, start, stage) for name in BACKENDS]
    assert np.abs(ends[0] - start).max() > 1, "nothing moved"
    for one, other in combinations(ends, 2):
        assert np.abs(one - other).max() <= TWENTY_STEPS_PX


def run_stage(name, problem, start, stage):
    """The optimized variable, in 0..255 minus the means and float64, after a stage's steps on one backend."""
    objective = load_backend(name).Objective(problem)
    run = run_adam if isinstance(stage.optimizer, Adam) else run_lbfgs
    seen = []
    recorder = Recorder(problem, lambda step, _: seen.append(step.evaluation))
    with objective.scope():
        end = run(objective, Point(start), stage.optimizer, stage.steps, recorder)
    assert seen == list(range(1, 21))
    return end.pixels


def textbook(start, gradients, settings):
    """Algorithm 1 of Kingma and Ba 2014, line by line."""
    x, m, v = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for t, g in enumerate(gradients, start=1):
        m = settings.beta1 * m + (1 - settings.beta1) * g
        v = settings.beta2 * v + (1 - settings.beta2) * g**2
        m_hat, v_hat = m / (1 - settings.beta1**t), v / (1 - settings.beta2**t)
        x = x - settings.rate_at(t - 1) * m_hat / (np.sqrt(v_hat) + settings.epsilon)
    return x


@pytest.fixture(scope="module")
def adam_of(problem_for):
    """A function that runs a backend's Adam over gradients (H, W, 3): the variable at the end, and the moments."""
    problem = problem_for(shallow("d2l"))

    def run(name, start, gradients, settings, moments=None):
        objective = load_backend(name).Objective(problem)
        with objective.scope():
            update = objective.adam(Point(start, moments), settings)
            for gradient in gradients:
                update(objective.variable(gradient))
            return objective.to_numpy(update.variable), update.moments()

    return run


@pytest.fixture
def path():
    """A start and five gradients, from large ones down to those that epsilon swallows."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 1, (4, 1, 3)), rng.normal(0, 1, (5, 4, 1, 3)) * 10.0 ** -np.arange(0, 12).reshape(4, 1, 3)


each_backend = pytest.mark.parametrize("name", BACKENDS)


@each_backend
def test_textbook_adam_is_algorithm_1(adam_of, name, path):
    settings = Adam(0.3, decay=0.5, decay_every=2, beta1=0.8, beta2=0.99, epsilon=1e-6)
    np.testing.assert_allclose(adam_of(name, *path, settings)[0], textbook(*path, settings), rtol=1e-12)


@each_backend
def test_adam_goes_on_from_its_moments_as_if_it_had_not_stopped(adam_of, name):
    rng, settings = np.random.default_rng(0), Adam(0.3, decay=0.5, decay_every=2)
    start, gradients = rng.normal(0, 1, (4, 5, 3)), rng.normal(0, 1, (5, 4, 5, 3))
    at_once, _ = adam_of(name, start, gradients, settings)
    middle, moments = adam_of(name, start, gradients[:3], settings)
    assert moments.steps == 3
    end, _ = adam_of(name, middle, gradients[3:], settings, moments)
    np.testing.assert_array_equal(end, at_once)
    np.testing.assert_allclose(end, textbook(start, gradients, settings), rtol=1e-12)


BETAS = pytest.mark.parametrize("betas", [(0.9, 0.999), (0.7, 0.9)], ids=["usual betas", "other betas"])


@BETAS
def test_torchs_native_adam_is_the_textbook_form(adam_of, path, betas):
    beta1, beta2 = betas
    native, _ = adam_of("torch", *path, Adam(0.3, form="native", beta1=beta1, beta2=beta2))
    expected = textbook(*path, Adam(0.3, beta1=beta1, beta2=beta2, epsilon=1e-8))
    np.testing.assert_allclose(native, expected, rtol=1e-12)


@BETAS
def test_keras_native_adam_is_its_own_optimizer(adam_of, path, betas):
    start, gradients = path
    variable = keras.Variable(start, dtype="float64")
    optimizer = keras.optimizers.Adam(0.3, *betas)
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
    native, _ = adam_of("keras", start, gradients, Adam(0.3, form="native", beta1=betas[0], beta2=betas[1]))
    np.testing.assert_array_equal(native, variable.numpy())


def test_keras_native_epsilon_is_the_papers_epsilon_hat(adam_of, path):
    """At step t it is the textbook form with epsilon / sqrt(1 - beta2^t).

    Keras takes 1 - beta2 in float32 even for a float64 variable: 3e-8 of 0.001, of which the root is half.
    """
    start, gradients = path
    native, _ = adam_of("keras", start, gradients[:1], Adam(0.25, form="native"))
    as_textbook = textbook(start, gradients[:1], Adam(0.25, epsilon=1e-7 / np.sqrt(1 - 0.999)))
    np.testing.assert_allclose(native - start, as_textbook - start, rtol=2e-5)


def test_the_same_epsilon_is_not_the_same_optimizer(adam_of):
    """With a gradient of 1e-6 and a rate of 0.3 the first native step is 0.297 in PyTorch and 0.072 in Keras."""

    def first_step(name, **settings):
        return -adam_of(name, np.zeros((1, 1, 3)), np.full((1, 1, 1, 3), 1e-6), Adam(0.3, **settings))[0][0, 0, 0]

    assert first_step("torch", form="native") == pytest.approx(0.297, abs=5e-4)
    assert first_step("keras", form="native") == pytest.approx(0.072, abs=5e-4)
    assert first_step("keras") == pytest.approx(0.297, abs=5e-4)


def test_the_rate_falls_after_every_so_many_steps():
    settings = Adam(1.0, decay=0.5, decay_every=3)
    assert [settings.rate_at(step) for step in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_arrays_that_were_taken_do_not_move_with_the_variable(backend, problem_for, image):
    """Adam works in place, and a port that hands over its buffer hands over the last point as every point."""
    found = backend.tensors(image, problem_for(shallow("d2l"), "float64"))
    points = [found["pixels"], *(found[f"adam/{step}/pixels"] for step in range(1, 6))]
    assert all(np.abs(one - other).max() > 1e-3 for one, other in combinations(points, 2))
