"""bfloat16 for most of a run, and the problem's own precision for its end."""

from dataclasses import replace

from common.errors import RosettaError
from common.recipes.recipe import Adam, Recipe, Stage

# Enough for a loss within 1% of that of a run without bfloat16 (docs/performance.md).
_EXACT_STEPS = 30


def with_mixed(recipe: Recipe) -> Recipe:
    """The recipe with Adam in bfloat16 but for the last 30 evaluations, or for all of them where there are fewer.

    Stages of L-BFGS stay as they are. Raises RosettaError for a recipe without a stage of Adam.
    """
    if not any(isinstance(stage.optimizer, Adam) for stage in recipe.stages):
        raise RosettaError(f"{recipe.name} runs by L-BFGS, and mixed precision is for Adam: choose Adam, or float32")
    *before, last = recipe.stages
    return replace(recipe, stages=(*(_in_bfloat16(stage, 0) for stage in before), _in_bfloat16(last, _EXACT_STEPS)))


def _in_bfloat16(stage: Stage, exact_steps: int) -> Stage:
    # The line search of L-BFGS fails where the loss changes with the precision.
    return replace(stage, bfloat16_steps=max(0, stage.steps - exact_steps) if isinstance(stage.optimizer, Adam) else 0)
