"""The objective of a picture in tiles."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from common.images import Image, extent_of
from common.objective import Objective, Recorded, Scope, Terms, Update
from common.points import Point
from common.problem import Pixels, Problem
from common.recipes import Adam, Recipe
from common.tensors import Array
from common.tiles.worker import TileTask, Windows, WorkersOf, gram_sums
from common.vgg19 import Tile, shape_at, tiles


class TiledObjective(Objective):
    """The loss of a problem in tiles: that of the whole picture, and its gradient, in the memory of one tile.

    Content and style terms come from the tiles. The backend's own objective of the recipe without taps has the total
    variation, Adam's steps and the native tensors.
    """

    def __init__(
        self, problem: Problem, package: str, objective_of: Callable[[Problem], Objective], workers_of: WorkersOf
    ) -> None:
        self._problem, self._objective_of, taps = problem, objective_of, problem.recipe.taps
        self._picture, self._coefficients = objective_of(_without_taps(problem)), problem.coefficients
        task = TileTask(package, taps, problem.network, problem.mode, self._coefficients)
        self.style = _style_targets(problem, task)
        self._tiles = tiles(extent_of(problem.content), problem.tile_px, taps)
        self._workers = workers_of(task, self._tiles, _windows(_network_input(problem, problem.content), self._tiles))

    @cached_property
    def content(self) -> Mapping[str, Array]:  # type: ignore[override]  # made when the doctor asks
        """The content targets of the whole picture, which the tiles have in parts."""
        found = {
            tap: np.zeros(shape_at(tap, extent_of(self._problem.content)), self._problem.network.dtype)
            for tap in self._coefficients.content
        }
        for tile, targets in zip(self._tiles, self._workers.targets, strict=True):
            for tap, own in targets.items():
                found[tap][tile.place(tap)] = own
        return found

    def variable(self, pixels: Pixels) -> Any:
        """An array as a native tensor on the network's device."""
        return self._picture.variable(pixels)

    def to_numpy(self, tensor: Any) -> Pixels:
        """A native tensor as an array; the targets are arrays."""
        return tensor if isinstance(tensor, np.ndarray) else self._picture.to_numpy(tensor)

    def to_floats(self, scalars: list[Any]) -> list[float]:
        """Scalars as Python floats, which only the total variation is not yet."""
        return [it if isinstance(it, float) else self._picture.to_floats([it])[0] for it in scalars]

    def adam(self, start: Point, settings: Adam) -> Update:
        """Adam's next steps."""
        return self._picture.adam(start, settings)

    def scope(self) -> Scope:
        """The context in which native tensors are made and computed."""
        return self._picture.scope()

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        self._picture.wait()

    def forward_terms(self, variable: Any) -> Terms:
        """Every loss term, from the first pass."""
        style, _ = self._style(variable)
        return Terms(self._workers.content_terms(), style, self._picture.forward_terms(variable).tv)

    def terms_and_gradient(self, variable: Any) -> tuple[Terms, Any]:
        """Every loss term, and the gradient of their sum, from the two passes."""
        style, at_sums = self._style(variable)
        content = dict.fromkeys(self._coefficients.content, 0.0)
        at_input = np.zeros((*extent_of(self._problem.content), 3), self._problem.network.dtype)
        for tile, (own, gradient) in zip(self._tiles, self._workers.gradients(at_sums), strict=True):
            content = {tap: term + own[tap] for tap, term in content.items()}
            at_input[tile.window] += gradient
        at_pixels = self._problem.to_network.pull_back(at_input)
        tv, at_variable = self._picture.terms_and_gradient(variable)
        with self.scope():
            return Terms(content, style, tv.tv), at_variable + self.variable(at_pixels)

    def recorded(self, variable: Any, layers: Iterable[str]) -> Recorded:
        """The tensors of the whole picture, with the terms and the gradient of the tiles."""
        whole = self._objective_of(replace(self._problem, tile_px=None)).recorded(variable, layers)
        terms, gradient = self.terms_and_gradient(variable)
        return whole._replace(terms=terms, at_pixels=gradient)

    def _style(self, variable: Any) -> tuple[dict[str, float], dict[str, Array]]:
        """The style terms, and the gradient of the loss at the sums of the Gram matrices."""
        pixels = self._problem.to_network.apply(self._picture.to_numpy(variable))
        terms, at_sums = {}, {}
        for tap, total in self._workers.gram_sums(_windows(pixels, self._tiles)).items():
            positions, k = _positions(tap, self._problem.content), self._coefficients.style[tap].k
            difference = total / positions - self.style[tap]
            terms[tap], at_sums[tap] = k * float(np.sum(difference**2)), 2 * k / positions * difference
        return terms, at_sums


def _style_targets(problem: Problem, task: TileTask) -> dict[str, Array]:
    """The scaled mean Gram matrices of the style picture, in tiles of its own."""
    style, own = task.coefficients.style, tiles(extent_of(problem.style), problem.tile_px, task.taps)
    windows = _windows(_network_input(problem, problem.style), own)
    sums = gram_sums(task.tile_network, own, windows, tuple(style))
    return {tap: c.target_scale * sums[tap] / _positions(tap, problem.style) for tap, c in style.items()}


class _WithoutTaps(Recipe):
    """The total variation alone, which a recipe of a user may not be."""

    def __post_init__(self) -> None:
        """Accept what was a recipe before."""


def _without_taps(problem: Problem) -> Problem:
    """A problem of the total variation alone, whose pictures are not looked at."""
    recipe = problem.recipe
    form, weight = ("sum_abs", 0.0) if recipe.tv_form == "none" else (recipe.tv_form, recipe.tv_weight)
    alone = _WithoutTaps(**{**vars(recipe), "content_taps": (), "style_taps": (), "tv_form": form, "tv_weight": weight})
    corner = problem.content[:2, :2]
    return replace(problem, content=corner, style=corner, recipe=alone, tile_px=None, mode=None)


def _network_input(problem: Problem, image: Image) -> Pixels:
    return problem.network.weights.preprocessing.apply(image).astype(problem.network.dtype)


def _windows(network_input: Pixels, tiles: Sequence[Tile]) -> Windows:
    return [network_input[tile.window] for tile in tiles]


def _positions(tap: str, image: Image) -> int:
    height, width, _ = shape_at(tap, extent_of(image))
    return height * width
