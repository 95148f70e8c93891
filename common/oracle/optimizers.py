"""The optimizers' first steps, each from the losses and gradients that a port has given before it."""

from contextlib import suppress
from dataclasses import replace

import numpy as np

from common.errors import RosettaError
from common.oracle.run import Run, computes
from common.recipes import adam_of, lbfgs_of
from common.tensors import LBFGS_CHECKED, LBFGS_EVALUATIONS, Array, TensorName

_FAR = 0.1


@computes("adam/gradient")
def _adam_gradient(run: Run, name: TensorName) -> Array:
    return run.at_step(name.step).value("gradient/pixels")


@computes("adam/pixels")
def _adam_pixels(run: Run, name: TensorName) -> Array:
    """The variable after a step (Kingma and Ba 2014)."""
    adam, variant, step = adam_of(run.case.problem.recipe), run.variant, name.step
    gradients = [run.value(f"adam/{past}/gradient") for past in range(1, step + 1)]
    first = second = np.zeros(gradients[0].shape)
    for gradient in gradients:
        first = adam.beta1 * first + (1 - adam.beta1) * gradient
        second = adam.beta2 * second + (1 - adam.beta2) * np.square(gradient, dtype=np.float64)
    corrections = 1 - adam.beta1**step, 1 - adam.beta2**step
    epsilon = adam.epsilon if variant.epsilon is None else variant.epsilon
    if variant.epsilon_hat:
        epsilon /= np.sqrt(corrections[1])
    rate = adam.rate_at(step - 1) * variant.rate_scale
    update = rate * (first / corrections[0]) / (np.sqrt(second / corrections[1]) + epsilon)
    return np.asarray(run.value(name.stepped_from) - update)


class _LeftThePathError(Exception):
    pass


@computes("lbfgs/pixels")
def _lbfgs_pixels(run: Run, _: TensorName) -> Array:
    """The points that SciPy evaluates first, shape (points, H, W, 3); the port's answers steer where it has them.

    Where the points leave the port's, the last is repeated: those that would follow are of no interest, and take long.
    """
    from common.lbfgs import minimize  # here, since SciPy takes longer to import than a small bundle to compute

    points: list[Array] = []
    given = run.given.get("lbfgs/pixels")
    # One more than a port that stopped early has, so that it is seen to have stopped.
    count = LBFGS_EVALUATIONS if given is None else len(given) + (len(given) < LBFGS_EVALUATIONS)

    def value_and_grad(point: Array) -> tuple[float, Array]:
        points.append(_as_evaluated(run, point))
        if given is not None and _is_far(points, given):
            points.extend(points[-1:] * (count - len(points)))
            raise _LeftThePathError
        return _answer(run, len(points) - 1, points[-1])

    variant, settings = run.variant, lbfgs_of(run.case.problem.recipe)
    settings = replace(settings, maxfun=settings.maxfun if variant.maxfun is None else variant.maxfun)
    with suppress(RosettaError, _LeftThePathError):
        minimize(value_and_grad, run.value("pixels"), settings, count, variant.factr or 0.0)
    return np.stack(points).reshape(-1, *run.case.image.shape)


def _is_far(points: list[Array], given: Array) -> bool:
    """Whether the last point is off the port's by a part of its way from the start that no rounding makes."""
    at = len(points) - 1
    if not 0 < at < len(given):
        return False
    theirs, start = (given[index].ravel().astype(np.float64) for index in (at, 0))
    return bool(np.linalg.norm(points[at] - theirs) > _FAR * np.linalg.norm(theirs - start))


def _as_evaluated(run: Run, point: Array) -> Array:
    """What the port makes of a point before it evaluates it."""
    if not run.variant.clamped:
        return point.copy()
    low, high = (limit.ravel() for limit in run.maps.range_of_rgb(run.case.image.shape))
    return np.clip(point, low, high)


def _answer(run: Run, number: int, point: Array) -> tuple[float, Array]:
    """What the port answered at a point of this number, or what it should have."""
    losses, gradients = run.given.get("lbfgs/losses"), run.given.get("lbfgs/gradients")
    if losses is not None and gradients is not None and number < min(len(losses), len(gradients)):
        return float(losses[number]), gradients[number]
    loss, gradient = _at_point(run, point, "loss/total", "gradient/pixels")
    return float(loss), gradient


@computes("lbfgs/losses", "lbfgs/gradients")
def _lbfgs_at_first_points(run: Run, name: TensorName) -> Array:
    """The losses or the gradients at the first points."""
    tensor = "loss/total" if name.kind == "lbfgs/losses" else "gradient/pixels"
    return np.stack([_at_point(run, point, tensor)[0] for point in run.value("lbfgs/pixels")[:LBFGS_CHECKED]])


def _at_point(run: Run, point: Array, *tensors: str) -> list[Array]:
    """What is computed under some names at a point, which is kept with the run."""
    kept = run.at_points.setdefault(point.tobytes(), {})
    if not kept.keys() >= set(tensors):
        at_point = run.at(point.reshape(run.case.image.shape))
        kept.update({tensor: at_point.expected(tensor) for tensor in tensors})
    return [kept[tensor] for tensor in tensors]
