"""The shortest known way to the loss at which a recipe's own run ends: L-BFGS, with as few evaluations as lead there.

The measurements are of the sample pictures at 96 to 512 px (docs/performance.md). Other pictures may need a few
evaluations more or fewer.
"""

from dataclasses import dataclass, replace
from math import ceil

from common.recipes.coefficients import CONVENTIONS
from common.recipes.recipe import LBFGS, Adam, Recipe, Stage


@dataclass(frozen=True)
class _Way:
    """A memory of L-BFGS, and how many of its evaluations lead to the loss of `steps` ones of the recipe's own.

    A longer memory saves fewer evaluations than its own arithmetic costs.
    """

    memory: int
    factor: float

    def evaluations(self, steps: int) -> int:
        """At most `steps`."""
        wanted: float = self.factor * steps**0.62
        return min(steps, ceil(wanted))


_GRAMS_ARE_MEANS, _GRAMS_ARE_SUMS = _Way(memory=30, factor=3.2), _Way(memory=10, factor=2.2)
_FROM_NOISE = _Way(memory=30, factor=3.6)


def with_fast(recipe: Recipe, keeps_start: bool = False) -> Recipe:
    """The recipe with L-BFGS and with as many evaluations as lead to about the loss of its own run.

    A recipe that starts from noise starts from the content, if it has a content loss and unless it `keeps_start`. One
    that starts from the content and has L-BFGS of its own takes as many evaluations as before.
    """
    starts_elsewhere = recipe.init == "noise" and recipe.content_taps and recipe.content_weight and not keeps_start
    fast = replace(recipe, init="content") if starts_elsewhere else recipe
    way = _GRAMS_ARE_MEANS if CONVENTIONS[recipe.convention].normalised else _GRAMS_ARE_SUMS
    if starts_elsewhere:
        way = _FROM_NOISE
    return replace(fast, stages=tuple(_in_short(stage, way, fast is not recipe) for stage in recipe.stages))


def _in_short(stage: Stage, way: _Way, starts_elsewhere: bool) -> Stage:
    own = stage.optimizer
    memory = way.memory if isinstance(own, Adam) else max(way.memory, own.memory)
    is_shorter = isinstance(own, Adam) or starts_elsewhere
    steps = way.evaluations(stage.steps) if is_shorter else stage.steps
    return replace(stage, optimizer=LBFGS(memory), steps=steps)
