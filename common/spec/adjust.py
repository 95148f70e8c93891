"""A recipe with another optimiser, another number of steps, or another size."""

from dataclasses import replace
from typing import Literal

from common.errors import RosettaError
from common.spec.recipe import LBFGS, Adam, Exactly, LongestSide, Recipe, Size

# Our own choice for a recipe whose source has no Adam: about 5 of 255 per step at the start.
_DEFAULT_RATES = {"imagenet": 0.1, "caffe": 5.0, "unit": 0.02}


def with_optimizer(recipe: Recipe, kind: Literal["adam", "lbfgs"]) -> Recipe:
    """The recipe with every stage run by Adam or by L-BFGS; stages that already do so keep their settings."""
    wanted = Adam if kind == "adam" else LBFGS
    fallback = Adam(_DEFAULT_RATES[recipe.pixel_space.name]) if kind == "adam" else LBFGS()
    stages = tuple(
        stage if isinstance(stage.optimizer, wanted) else replace(stage, optimizer=fallback) for stage in recipe.stages
    )
    return replace(recipe, stages=stages)


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with `steps` evaluations in all, shared out over the stages in the source's proportions."""
    if steps < len(recipe.stages):
        raise RosettaError(
            f"{steps} steps are too few for {recipe.name}: give {len(recipe.stages)} or more, one a stage"
        )
    bounds = [round(steps * sum(s.steps for s in recipe.stages[:i]) / recipe.steps) for i in range(len(recipe.stages))]
    counts = [end - start for start, end in zip(bounds, [*bounds[1:], steps], strict=True)]
    stages = tuple(replace(stage, steps=max(1, n)) for stage, n in zip(recipe.stages, counts, strict=True))
    return replace(recipe, stages=stages)


def with_size(recipe: Recipe, size: Size) -> Recipe:
    """The recipe with its last stage at `size` and the earlier ones smaller by the source's proportions."""
    last = _side_px(recipe.stages[-1].size)
    stages = tuple(replace(stage, size=_scaled(size, _side_px(stage.size) / last)) for stage in recipe.stages)
    return replace(recipe, stages=stages)


def _side_px(size: Size) -> int:
    return size.side_px if isinstance(size, LongestSide) else max(size.height_px, size.width_px)


def _scaled(size: Size, factor: float) -> Size:
    if isinstance(size, LongestSide):
        return replace(size, side_px=max(1, round(size.side_px * factor)))
    return Exactly(max(1, round(size.height_px * factor)), max(1, round(size.width_px * factor)))
