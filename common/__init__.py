"""The framework-neutral core: what is computed, by whom it is judged, and how it is run."""

# ruff: noqa: F401, what it imports is what others may use

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
    find_recipe,
    with_optimizer,
    with_size,
    with_steps,
)
from common.results import LossTerms, RunResult, Step
from common.vgg19 import load_weights
