"""A transfer: its stages run in `common.stages`, and Adam's loop stands here, in native tensors throughout."""

from common.checkpoints import Checkpoints
from common.images import Image
from common.points import Point
from common.problem import Problem
from common.recipes import Adam
from common.recorder import OnStep, Recorder
from common.results import RunResult
from common.stages import run_stages
from torch_impl.arrays import device_scope, to_numpy
from torch_impl.objective import Objective, to_loss_terms
from torch_impl.optimizers import adam


def stylize(
    problem: Problem,
    init: Image | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> RunResult:
    """Run a recipe's stages and return the picture with every step; RosettaError for bad input.

    `init` is the image to start from when the recipe starts from one, `seed` decides the noise when it starts
    from that, and `on_step` is called after every evaluation. `checkpoints` keep what an interrupted run goes on from.
    """
    with device_scope(problem.network):
        return run_stages(Objective, run_adam, init, seed, Recorder(problem, on_step, checkpoints))


def run_adam(objective: Objective, start: Point, optimizer: Adam, steps: int, recorder: Recorder) -> Point:
    """Minimise with Adam; every step is one evaluation."""
    variable = objective.variable(start.pixels)
    update = adam(variable, optimizer, start.moments)
    for _ in range(steps):
        with recorder.evaluating():
            terms, gradient = objective.terms_and_gradient(variable)
            losses = to_loss_terms(terms)
            objective.wait()
        if not (is_enough := recorder.is_enough(losses)):  # else the picture is the point that was evaluated
            update(gradient)
            objective.wait()
        recorder.record(losses, lambda: to_numpy(variable), update.moments)
        if is_enough:
            break
    return Point(to_numpy(variable), update.moments())
