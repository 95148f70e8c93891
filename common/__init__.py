"""The framework-neutral core: what is computed, by whom it is judged, and how it is run."""

from common.errors import RosettaError
from common.images import load_image, resize, save_image
from common.problem import Network, Problem
from common.recipes import (
    LBFGS,
    RECIPES,
    Adam,
    Exactly,
    LongestSide,
    Recipe,
    Stage,
    Until,
    find_recipe,
    with_fast,
    with_mixed,
    with_optimizer,
    with_proportions,
    with_pyramid,
    with_size,
    with_steps,
    with_until,
)
from common.results import LossTerms, RunResult, Step
from common.vgg19 import load_weights, locate_weights

__all__ = [
    "LBFGS",
    "RECIPES",
    "Adam",
    "Exactly",
    "LongestSide",
    "LossTerms",
    "Network",
    "Problem",
    "Recipe",
    "RosettaError",
    "RunResult",
    "Stage",
    "Step",
    "Until",
    "find_recipe",
    "load_image",
    "load_weights",
    "locate_weights",
    "resize",
    "save_image",
    "with_fast",
    "with_mixed",
    "with_optimizer",
    "with_proportions",
    "with_pyramid",
    "with_size",
    "with_steps",
    "with_until",
]
