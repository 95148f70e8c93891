"""What a backend hands to the doctor, by name, from its native tensors."""

from collections.abc import Callable, Iterable

import numpy as np

from common.images import Image, to_bytes
from common.objective import Objective
from common.points import Point
from common.problem import Pixels, Problem
from common.recipes import LBFGS, Adam
from common.results import LossTerms
from common.tensors.names import ADAM_STEPS, LBFGS_EVALUATIONS, Array

Tensors = dict[str, Array]


def picture_tensors(image: Image, problem: Problem) -> Tensors:
    """The pictures that a backend was given, the optimized variable, and the image as a file would hold it."""
    pictures = {"content/resized": problem.content, "style/resized": problem.style}
    return {**pictures, "pixels": problem.pixels(image), "saved": to_bytes(image)}


def target_tensors(objective: Objective) -> Tensors:
    """The targets of the content and of the style terms."""
    targets = {"content": objective.content, "style": objective.style}
    return {
        f"target/{kind}/{tap}": objective.to_numpy(it) for kind, taps in targets.items() for tap, it in taps.items()
    }


def recorded_tensors(objective: Objective, pixels: Pixels, layers: Iterable[str]) -> Tensors:
    """Every tensor of one forward and one backward pass, with the feature maps of `layers` and the taps."""
    found, array = objective.recorded(objective.variable(pixels), layers), objective.to_numpy
    return {
        "input": array(found.network_input),
        **{f"features/{name}": array(feature) for name, feature in found.features.items()},
        **{f"gram/{tap}": array(matrix) for tap, matrix in found.grams.items()},
        **loss_tensors(objective.numbers(found.terms)),
        **{f"gradient/features/{tap}": array(gradient) for tap, gradient in found.at_taps.items()},
        "gradient/pixels": array(found.at_pixels),
    }


def loss_tensors(terms: LossTerms) -> Tensors:
    """Every loss term and the total."""
    return {f"loss/{name.replace(' ', '/')}": np.asarray(value, np.float64) for name, value in terms.by_name().items()}


def value_and_grad_tensors(terms: LossTerms, gradient: Pixels) -> Tensors:
    """Every loss term, the total, and the gradient."""
    return {**loss_tensors(terms), "gradient/pixels": gradient}


def adam_tensors(objective: Objective, start: Pixels, optimizer: Adam) -> Tensors:
    """Adam's first steps: the gradient that each is taken from, and the variable after it."""
    update, found = objective.adam(Point(start), optimizer), {}
    for step in range(1, ADAM_STEPS + 1):
        _, gradient = objective.terms_and_gradient(update.variable)
        update(gradient)
        found[f"adam/{step}/gradient"] = objective.to_numpy(gradient)
        found[f"adam/{step}/pixels"] = objective.to_numpy(update.variable)
    return found


def lbfgs_tensors(evaluate: Callable[[Pixels], tuple[LossTerms, Pixels]], start: Pixels, optimizer: LBFGS) -> Tensors:
    """The points that L-BFGS evaluates first, their losses and gradients, in float64."""
    from common.lbfgs import Vector, minimize  # here, since SciPy takes long to import

    seen: list[tuple[Pixels, float, Pixels]] = []

    def value_and_grad(point: Vector) -> tuple[float, Pixels]:
        pixels = point.reshape(start.shape)
        terms, gradient = evaluate(pixels)
        seen.append((pixels.copy(), terms.total, np.asarray(gradient, np.float64)))
        return terms.total, gradient

    minimize(value_and_grad, start, optimizer, LBFGS_EVALUATIONS)
    points, losses, gradients = map(np.asarray, zip(*seen, strict=True))
    return {"lbfgs/pixels": points, "lbfgs/losses": losses, "lbfgs/gradients": gradients}
