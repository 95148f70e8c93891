"""What the tensors are called, in the order in which data flow."""

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from common.problem import Problem
from common.vgg19 import cut

Array = NDArray[Any]
Arrays = Mapping[str, Array]

PICTURES = ("content/decoded", "style/decoded", "content/resized", "style/resized")
ADAM_STEPS = 5
LBFGS_EVALUATIONS = 24  # a restart after 20 shows
LBFGS_CHECKED = 3  # losses and gradients at the first points; the steps are judged at all of them


def tensor_names(problem: Problem) -> tuple[str, ...]:
    """Every tensor of a problem, forward, then backward, then the optimisers and the saved file."""
    recipe = problem.recipe
    layers = [layer.name for layer in cut(recipe.taps)]
    content, style = problem.coefficients.content, problem.coefficients.style
    return (
        *PICTURES,
        "pixels",
        "input",
        *(f"features/{name}" for name in layers),
        *(f"gram/{tap}" for tap in style),
        *(f"target/content/{tap}" for tap in content),
        *(f"target/style/{tap}" for tap in style),
        *(f"loss/content/{tap}" for tap in content),
        *(f"loss/style/{tap}" for tap in style),
        *(["loss/tv"] if recipe.tv_form != "none" else []),
        "loss/total",
        *(f"gradient/features/{tap}" for tap in reversed(layers) if tap in recipe.taps),
        "gradient/pixels",
        *_adam_names(),
        "lbfgs/pixels",
        "lbfgs/losses",
        "lbfgs/gradients",
        "saved",
    )


def _adam_names() -> Iterable[str]:
    for step in range(1, ADAM_STEPS + 1):
        yield f"adam/{step}/gradient"
        yield f"adam/{step}/pixels"


def tail(name: str) -> str:
    """The tap or layer at the end of a name."""
    return name.rsplit("/", 1)[-1]


def before_step(step: int) -> str:
    """The variable that one of Adam's steps, counted from 1, is taken from."""
    return "pixels" if step == 1 else f"adam/{step - 1}/pixels"
