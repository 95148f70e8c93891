"""A recipe with another optimizer, other stages, another number of steps, or another size."""

from dataclasses import replace
from itertools import accumulate, pairwise
from math import sqrt
from typing import Literal

from common.errors import RosettaError
from common.recipes.recipe import LBFGS, Adam, Exactly, LongestSide, Recipe, Size, Until

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


def adam_of(recipe: Recipe) -> Adam:
    """The recipe's Adam in its last stage, or the one that it is given when asked to use one; in the textbook form."""
    optimizer = with_optimizer(recipe, "adam").stages[-1].optimizer
    assert isinstance(optimizer, Adam)
    return replace(optimizer, form="textbook")


def lbfgs_of(recipe: Recipe) -> LBFGS:
    """The recipe's L-BFGS in its last stage, or the one that it is given when asked to use one."""
    optimizer = with_optimizer(recipe, "lbfgs").stages[-1].optimizer
    assert isinstance(optimizer, LBFGS)
    return optimizer


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with `steps` evaluations in all, shared out over the stages in the source's proportions."""
    if steps < len(recipe.stages):
        raise RosettaError(
            f"{steps} steps are too few for {recipe.name}: give {len(recipe.stages)} or more, one a stage"
        )
    spare = steps - len(recipe.stages)  # every stage has one step, and its share of the rest
    before = accumulate((stage.steps for stage in recipe.stages), initial=0)
    bounds = pairwise(round(spare * count / recipe.steps) for count in before)
    shared = zip(recipe.stages, bounds, strict=True)
    return replace(recipe, stages=tuple(stage.of_steps(1 + end - start) for stage, (start, end) in shared))


def with_size(recipe: Recipe, size: Size) -> Recipe:
    """The recipe with its last stage at `size` and the earlier ones smaller by the source's proportions."""
    last = _side_px(recipe.stages[-1].size)
    stages = tuple(replace(stage, size=_scaled(size, _side_px(stage.size) / last)) for stage in recipe.stages)
    return replace(recipe, stages=stages)


def with_proportions(recipe: Recipe, height_px: int, width_px: int) -> Recipe:
    """The recipe whose exact sizes have a picture's proportions, height by width, and as many pixels as before."""
    stages = tuple(replace(stage, size=_proportioned(stage.size, height_px / width_px)) for stage in recipe.stages)
    return replace(recipe, stages=stages)


def with_pyramid(recipe: Recipe, sizes: int = 2) -> Recipe:
    """The recipe made at several sizes, each double the one before and with as many steps.

    The stages are continuations of one another: Adam keeps its moments. Raises RosettaError for fewer than 2 sizes,
    where there are not enough steps for them, and for a recipe that has several sizes of its own.
    """
    if len(recipe.stages) > 1:
        raise RosettaError(f"{recipe.name} has {len(recipe.stages)} sizes of its own: leave out the pyramid")
    (last,) = recipe.stages
    if not 2 <= sizes <= last.steps:
        wanted = f"give 2 to {last.steps}, or more steps" if last.steps > 1 else "give more steps"
        raise RosettaError(f"a pyramid of {sizes} sizes cannot be made in {last.steps} steps: {wanted}")
    bounds = [round(last.steps * number / sizes) for number in range(sizes + 1)]
    *coarse, finest = [
        replace(last, size=_scaled(last.size, 0.5 ** (sizes - 1 - number)), steps=end - start, continues=number > 0)
        for number, (start, end) in enumerate(pairwise(bounds))
    ]
    return replace(recipe, stages=(*(replace(stage, until=None) for stage in coarse), finest))


def with_until(recipe: Recipe, until: Until) -> Recipe:
    """The recipe whose last stage ends where `until` says, and otherwise after its steps."""
    *before, last = recipe.stages
    return replace(recipe, stages=(*before, replace(last, until=until)))


def _side_px(size: Size) -> float:
    return size.side_px * size.factor if isinstance(size, LongestSide) else max(size.height_px, size.width_px)


def _proportioned(size: Size, height_by_width: float) -> Size:
    if isinstance(size, LongestSide):
        return size  # which keeps the proportions itself
    width = sqrt(size.height_px * size.width_px / height_by_width)
    return Exactly(max(1, round(height_by_width * width)), max(1, round(width)))


def _scaled(size: Size, factor: float) -> Size:
    if isinstance(size, LongestSide) and size.only_shrink:
        return replace(size, factor=size.factor * factor)  # since the picture decides what the side is
    if isinstance(size, LongestSide):
        return replace(size, side_px=max(1, round(size.side_px * factor)))
    return Exactly(max(1, round(size.height_px * factor)), max(1, round(size.width_px * factor)))
