"""The optimization loop, in native tensors throughout."""

import tensorflow as tf

from common.images import Image
from common.lbfgs import Vector, minimize
from common.problem import Pixels, Problem
from common.recipes import LBFGS, Adam
from common.recorder import OnStep, Recorder, start_pixels
from common.results import RunResult
from keras_impl.arrays import device_scope, to_numpy
from keras_impl.objective import Objective, to_loss_terms
from keras_impl.optimizers import adam


def stylize(problem: Problem, init: Image | None = None, seed: int = 0, on_step: OnStep | None = None) -> RunResult:
    """Run a recipe's stages and return the picture with every step; RosettaError for bad input.

    `init` is the image to start from when the recipe starts from one, `seed` decides the noise when it starts
    from that, and `on_step` is called after every evaluation.
    """
    with device_scope(problem.network):
        return _run_stages(problem, init, seed, Recorder(problem, on_step))


def _run_stages(problem: Problem, init: Image | None, seed: int, recorder: Recorder) -> RunResult:
    previous = None
    for stage in problem.recipe.stages:
        current = problem.at(stage)
        pixels = start_pixels(current, previous, init, seed)
        with recorder.setting_up(current):
            objective = Objective(current)
        if isinstance(stage.optimizer, Adam):
            pixels = run_adam(objective, pixels, stage.optimizer, stage.steps, recorder)
        else:
            pixels = run_lbfgs(objective, pixels, stage.optimizer, stage.steps, recorder)
        previous = current.image(pixels)
    return recorder.result(to_loss_terms(objective.terms(objective.variable(pixels))), pixels)


def run_adam(objective: Objective, start: Pixels, optimizer: Adam, steps: int, recorder: Recorder) -> Pixels:
    """Minimise with Adam; every step is one evaluation."""
    variable = tf.Variable(objective.variable(start))
    update = adam(variable, optimizer)
    for step in range(steps):
        with recorder.evaluating():
            terms, gradient = objective.terms_and_gradient(variable.value())
            losses = to_loss_terms(terms)
            objective.wait()
        update(gradient, step)
        objective.wait()
        recorder.record(losses, lambda: to_numpy(variable))
    return to_numpy(variable)


def run_lbfgs(objective: Objective, start: Pixels, optimizer: LBFGS, steps: int, recorder: Recorder) -> Pixels:
    """Minimise with SciPy's L-BFGS, which sees a flat float64 vector in (H, W, C) order."""

    def value_and_grad(point: Vector) -> tuple[float, Pixels]:
        pixels = point.reshape(start.shape)
        variable = objective.variable(pixels)
        objective.wait()
        with recorder.evaluating():
            terms, gradient = objective.terms_and_gradient(variable)
            losses = to_loss_terms(terms)
            objective.wait()
        recorder.record(losses, lambda: pixels)
        return losses.total, to_numpy(gradient)

    return minimize(value_and_grad, start, optimizer, steps).reshape(start.shape)
