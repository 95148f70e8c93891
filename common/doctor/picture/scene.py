"""A picture with its problem at its own size: its loss, that of other pictures, and that of a short transfer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from common.doctor.picture.files import Saved, as_bytes
from common.images import Image, extent_for, resize
from common.lbfgs import Vector, minimize
from common.objective import Objective
from common.problem import Pixels, Problem
from common.recipes import LBFGS, LongestSide
from common.results import LossTerms
from common.stages import start_pixels

REFERENCE_STEPS, FURTHER_STEPS = 30, 15
_LARGEST_PX = 512 * 384  # whose losses are computed; a larger picture is reduced
_REDUCED_SIDE_PX = 384
ObjectiveOf = Callable[[Problem], Objective]
OnEvaluation = Callable[[], object]


@dataclass(frozen=True, eq=False)
class Tools:
    """What computes a problem's loss, what the picture's file does to an image, and who is told of every evaluation.

    `saved` is None where the losses of the file's format are not known.
    """

    objective_of: ObjectiveOf
    saved: Saved | None
    on_evaluation: OnEvaluation = lambda: None


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and the problem at its size; `reduced` where both are smaller than the picture's file."""

    picture: Image
    problem: Problem
    objective: Objective
    tools: Tools
    reduced: bool

    @classmethod
    def of(cls, picture: Image, whole: Problem, tools: Tools) -> "Scene":
        """The scene of a picture, and of a problem whose pictures have the sizes of their files."""
        height, width = picture.shape[:2]
        reduced = height * width > _LARGEST_PX
        if reduced:
            height, width = extent_for(LongestSide(_REDUCED_SIDE_PX), height, width)
        own = whole.recipe.style_size == "own"
        style_px = extent_for(LongestSide(max(height, width)), *whole.style.shape[:2]) if own else (height, width)
        content, style = resize(whole.content, height, width), resize(whole.style, *style_px)
        problem = replace(whole, content=content, style=style)
        return cls(resize(picture, height, width), problem, tools.objective_of(problem), tools, reduced)

    def with_picture(self, picture: Image) -> "Scene":
        """The same scene with another picture of the same size, or of the same file's."""
        return replace(self, picture=resize(picture, *self.picture.shape[:2]))

    def losses(self, image: Image | None = None) -> LossTerms:
        """The loss terms at the picture, or at another image of its size."""
        terms = self.objective.loss_terms(self.problem.pixels(self.picture if image is None else image))
        self.tools.on_evaluation()
        return terms

    def reference(self) -> Image:
        """The picture of a short run from where the recipe starts."""
        init = "content" if self.problem.recipe.init == "image" else self.problem.recipe.init
        problem = replace(self.problem, recipe=replace(self.problem.recipe, init=init))
        return self._after(start_pixels(problem, None, None, 0), REFERENCE_STEPS)

    def continued(self) -> Image:
        """The picture after some more steps."""
        return self._after(self.problem.pixels(self.picture), FURTHER_STEPS)

    def _after(self, start: Pixels, steps: int) -> Image:
        """The picture after some steps of L-BFGS, as it is read from a file like the given picture's."""

        def value_and_grad(point: Vector) -> tuple[float, Pixels]:
            terms, gradient = self.objective.evaluate(point.reshape(start.shape).astype(start.dtype))
            self.tools.on_evaluation()
            return terms.total, gradient

        end = minimize(value_and_grad, start, LBFGS(), steps).reshape(start.shape)
        return (self.tools.saved or as_bytes)(self.problem.image(end))
