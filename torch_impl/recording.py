"""Every tensor on the way from the image to the optimizers' first steps, for the port doctor."""

from collections.abc import Iterable

import torch

from common.images import Image
from common.problem import Pixels, Problem
from common.recipes import Adam, adam_of, lbfgs_of
from common.tensors import ADAM_STEPS, Tensors, lbfgs_tensors, loss_tensors, picture_tensors
from common.vgg19 import cut
from torch_impl.arrays import apply_affine, device_scope, to_numpy
from torch_impl.losses import gram, total, total_loss
from torch_impl.objective import Objective, to_loss_terms
from torch_impl.optimizers import adam
from torch_impl.vgg19 import Trunk


def tensors(image: Image, problem: Problem) -> Tensors:
    """Every tensor that the port doctor examines, by its name; arrays are (H, W, C)."""
    objective, pixels = Objective(problem), problem.pixels(image)
    with device_scope(problem.network):
        return {
            **picture_tensors(image, problem),
            **{f"target/content/{tap}": to_numpy(feature) for tap, feature in objective.content.items()},
            **{f"target/style/{tap}": matrix.cpu().numpy() for tap, matrix in objective.style.items()},
            **recorded_evaluation(objective, pixels, problem, [layer.name for layer in cut(problem.recipe.taps)]),
            **adam_tensors(objective, pixels, adam_of(problem.recipe)),
            **lbfgs_tensors(objective.evaluate, pixels, lbfgs_of(problem.recipe)),
        }


def evaluation_tensors(image: Image, problem: Problem, layers: Iterable[str]) -> Tensors:
    """One forward and one backward pass: the feature maps of `layers` and the taps, every term, and the gradient.

    The names are those of `tensors`; feature maps are of the image after its rounding to the optimized variable.
    """
    objective = Objective(problem)
    with device_scope(problem.network):
        return recorded_evaluation(objective, problem.pixels(image), problem, layers)


def recorded_evaluation(objective: Objective, pixels: Pixels, problem: Problem, layers: Iterable[str]) -> Tensors:
    """Every tensor of one forward and one backward pass, with the feature maps of `layers` and the taps."""
    taps = problem.recipe.taps
    variable = objective.variable(pixels).requires_grad_()
    network_input = apply_affine(variable, problem.to_network)
    features = Trunk([*layers, *taps], problem.network)(network_input)
    terms = total_loss(features, variable, objective.content, objective.style, objective.coefficients)
    *at_taps, at_pixels = torch.autograd.grad(total(terms), [*(features[tap] for tap in taps), variable])
    return {
        "input": to_numpy(network_input),
        **{f"features/{name}": to_numpy(feature) for name, feature in features.items()},
        **{f"gram/{tap}": gram(features[tap]).detach().cpu().numpy() for tap in objective.style},
        **loss_tensors(to_loss_terms(terms)),
        **{f"gradient/features/{tap}": to_numpy(at_tap) for tap, at_tap in zip(taps, at_taps, strict=True)},
        "gradient/pixels": to_numpy(at_pixels),
    }


def adam_tensors(objective: Objective, start: Pixels, optimizer: Adam) -> Tensors:
    """Adam's first steps: the gradient that each is taken from, and the variable after it."""
    variable = objective.variable(start)
    update, found = adam(variable, optimizer), {}
    for step in range(ADAM_STEPS):
        _, gradient = objective.terms_and_gradient(variable)
        update(gradient)
        found[f"adam/{step + 1}/gradient"] = to_numpy(gradient)
        found[f"adam/{step + 1}/pixels"] = to_numpy(variable)
    return found
