"""The framework-neutral core: what is computed, by whom it is judged, and how it is run."""

from common.errors import RosettaError
from common.images import load_image, resize, save_image
from common.problem import Network, Problem
from common.recipes.overrides import with_optimizer, with_size, with_steps
from common.recipes.published import RECIPES, find_recipe
from common.recipes.recipe import LBFGS, Adam, Exactly, LongestSide, Recipe, Stage
from common.results import LossTerms, RunResult, Step
from common.vgg19.load_weights import load_weights

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
    "find_recipe",
    "load_image",
    "load_weights",
    "resize",
    "save_image",
    "with_optimizer",
    "with_size",
    "with_steps",
]
