"""bfloat16 for most of a run, and the problem's own precision for its end."""

from dataclasses import replace

from common.recipes.recipe import Recipe

# Enough for a loss within 1% of that of a run without bfloat16 (docs/performance.md).
_EXACT_STEPS = 30


def with_mixed(recipe: Recipe) -> Recipe:
    """The recipe with the layers in bfloat16 but for its last 30 evaluations, or all of them where there are fewer."""
    *before, last = recipe.stages
    rough = replace(last, rough_steps=max(0, last.steps - _EXACT_STEPS))
    return replace(recipe, stages=(*(replace(stage, rough_steps=stage.steps) for stage in before), rough))
