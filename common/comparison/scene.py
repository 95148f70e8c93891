"""The pictures and weights of a comparison, loaded, and the problems that its rows solve."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from common import samples
from common.backend import BACKENDS
from common.comparison.request import Request, Row
from common.comparison.workers import Job
from common.images import Image, extent_of, load_image, parse_size
from common.memory import AtOnce, Transfer, check_memory
from common.problem import Precision, Problem
from common.recipes import Exactly, Recipe, Stage, with_size
from common.vgg19 import Weights, load_weights, locate_weights, sha256_of
from common.writing import PathLike

# Not square, one side odd: a transposed axis cannot hide, and the deepest taps still have 4 and 6 positions.
_SMALL = Exactly(37, 50)


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was read: its file with the sha256, and RGB in [0, 1] of shape (H, W, 3)."""

    path: Path
    sha256: str
    image: Image

    @classmethod
    def read(cls, path: PathLike) -> "Picture":
        """Decode a picture; raise RosettaError when there is none."""
        image = load_image(path)
        return cls(Path(path), sha256_of(Path(path)), image)


@dataclass(frozen=True, eq=False)
class Scene:
    """A request's pictures and weights, loaded, which all rows share; a group adds its size and precision.

    `weights_source` is where another process reads the weights.
    """

    request: Request
    content: Picture
    style: Picture
    init: Image | None
    weights: Weights
    weights_source: str

    @classmethod
    def of(cls, request: Request) -> "Scene":
        """Read what a request names; raise RosettaError for what cannot be read."""
        content, style = map(Picture.read, samples.paths(request.content, request.style))
        init = None if request.init is None else load_image(request.init)
        return cls(request, content, style, init, load_weights(request.weights), locate_weights(request.weights))

    def problem(self, precision: Precision, size: str | None = None) -> Problem:
        """The problem with both pictures as they are, and the recipe's stages scaled to a size."""
        recipe = self.request.recipe if size is None else self.recipe_at(size)
        return Problem(self.content.image, self.style.image, recipe, self.weights, precision, self.request.device)

    def recipe_at(self, size: str) -> Recipe:
        """The recipe with its stages scaled to a size."""
        return with_size(self.request.recipe, parse_size(size))

    def small_problem(self, precision: Precision) -> Problem:
        """A problem small enough for the oracle to be instant."""
        return self.problem(precision).at(Stage(_SMALL, 1, self.request.recipe.stages[0].optimizer))

    def problem_at(self, precision: Precision, size: str, tile_px: int | None = None) -> Problem:
        """The problem with both pictures as the last stage has them."""
        problem = replace(self.problem(precision, size), tile_px=tile_px)
        return problem.at(problem.recipe.stages[-1])

    def check_sizes(self, sizes: Iterable[str]) -> None:
        """Raise RosettaError for a size at which a stage does not fit."""
        for size in sizes:
            self.problem("float32", size).try_stages()

    def check_tiles(self) -> None:
        """Raise RosettaError for a row whose tile has no effect."""
        for size, tile_px in {(row.group.size, row.tile_px) for row in self.request.rows if row.tile_px is not None}:
            self.problem_at("float32", size, tile_px).check_tiled()

    def check_memory(self, *steps: AtOnce) -> None:
        """Raise OutOfMemoryError for a step that takes more than the machine has, where the device is the CPU."""
        if self.request.device == "cpu":
            check_memory(steps)

    def transfer(self, row: Row) -> Transfer:
        """A row's transfer as far as its memory goes."""
        # From the numbers alone: a Problem would look at every pixel, and a plan has many rows.
        entry, size, precision = BACKENDS[row.backend], row.group.size, row.group.precision
        recipe = entry.with_optimizer(self.recipe_at(size), self.request.optimizer)
        return Transfer(
            entry, recipe, extent_of(self.content.image), extent_of(self.style.image), precision, row.mode, row.tile_px
        )

    def for_row(self, row: Row, problem: Problem) -> Problem:
        """A problem in a row's mode and tiles, with the optimizer that the row's backend uses."""
        recipe = BACKENDS[row.backend].with_optimizer(problem.recipe, self.request.optimizer)
        return replace(problem, recipe=recipe, mode=row.mode, tile_px=row.tile_px)

    def job(self, problem: Problem, image: Image | None) -> Job:
        """A job on a problem; `image` is where the loss is evaluated, or where a transfer starts."""
        return Job(problem=problem, weights_source=self.weights_source, seed=self.request.seed, image=image)
