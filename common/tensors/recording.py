"""What a backend hands to the doctor and needs no framework for."""

from collections.abc import Callable

import numpy as np

from common.images import Image, to_bytes
from common.problem import Pixels, Problem
from common.recipes import LBFGS
from common.results import LossTerms
from common.tensors.names import LBFGS_EVALUATIONS, Array

Tensors = dict[str, Array]


def picture_tensors(image: Image, problem: Problem) -> Tensors:
    """The pictures that a backend was given, the optimized variable, and the image as a file would hold it."""
    pictures = {"content/resized": problem.content, "style/resized": problem.style}
    return {**pictures, "pixels": problem.pixels(image), "saved": to_bytes(image)}


def loss_tensors(terms: LossTerms) -> Tensors:
    """Every loss term and the total."""
    return {f"loss/{name.replace(' ', '/')}": np.asarray(value, np.float64) for name, value in terms.by_name().items()}


def value_and_grad_tensors(terms: LossTerms, gradient: Pixels) -> Tensors:
    """Every loss term, the total, and the gradient."""
    return {**loss_tensors(terms), "gradient/pixels": gradient}


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
