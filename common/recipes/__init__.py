"""The recipes: what is computed, as data with its sources."""

from common.recipes.coefficients import CONVENTIONS, Coefficients, Tap, coefficients, coefficients_of
from common.recipes.fast import with_fast
from common.recipes.mixed import with_mixed
from common.recipes.overrides import (
    adam_of,
    lbfgs_of,
    with_optimizer,
    with_proportions,
    with_pyramid,
    with_size,
    with_steps,
    with_until,
)
from common.recipes.published import FOR_PICTURES, RECIPES, find_recipe
from common.recipes.recipe import (
    LBFGS,
    Adam,
    Exactly,
    LongestSide,
    Optimizer,
    Recipe,
    Size,
    Stage,
    TotalVariation,
    Until,
    recipe_from_json,
    recipe_to_json,
)
