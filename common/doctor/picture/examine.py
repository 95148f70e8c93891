"""A finished picture beside content and style: its size, how it was saved, and whether its loss is low."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from common.doctor.picture.remarks import Remark
from common.doctor.picture.repairs import Repair, best_of, proves, repairs_for
from common.doctor.picture.size import Reading, readings, sizes_said
from common.images import Image, extent_for, resize, to_bytes
from common.lbfgs import Vector, minimize
from common.problem import Pixels, Problem
from common.recipes import LBFGS, LongestSide
from common.results import LossTerms
from common.stages import Objective, start_pixels

REFERENCE_STEPS, FURTHER_STEPS = 30, 15
_LARGEST_PX = 512 * 384  # whose losses are computed; a larger picture is reduced
_REDUCED_SIDE_PX = 384
_MOST_REPAIRS = 3
_HIGH = 2.0  # times the reference's; of unspoiled results, clipped as they are, the most was 1.5
_ALIKE_255 = 1.5  # a mean difference of the content that is rounding, or a gentle JPEG's
_CLEARLY = 0.8
_GREY, _COLOURED = 1e-3, 0.02
ObjectiveOf = Callable[[Problem], Objective]
OnEvaluation = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Examination:
    """What is said of a picture, and the loss terms at it, at the content and at the reference's picture, by name."""

    remarks: tuple[Remark, ...]
    terms: Mapping[str, LossTerms]
    size_px: tuple[int, int]
    next_step: str

    @property
    def healthy(self) -> bool:
        """Whether no mistake was found."""
        return not any(remark.found for remark in self.remarks)


def examine(picture: Image, problem: Problem, objective_of: ObjectiveOf, on_evaluation: OnEvaluation) -> Examination:
    """Examine a picture as the result of a problem, whose content and style have the sizes of their files.

    Images are RGB in [0, 1], (H, W, 3). `on_evaluation` is called after every evaluation of the loss. Raises
    RosettaError for a picture that is too small for the recipe's taps.
    """
    said = [sizes_said(picture, problem.content, problem.recipe)]
    scenes = [_Scene.of(reading, problem, objective_of, on_evaluation) for reading in _readings(picture, problem)]
    scene, remark = _likeliest(scenes)
    said += [remark] if remark else []
    said += _colours(picture, problem)
    scene, repaired = _repaired(scene)
    said += repaired
    terms = {"picture": scene.terms, "content": scene.at(scene.problem.content), "reference": scene.reference}
    said += _lowness(scene, picture, terms)
    size_px = scene.picture.shape[0], scene.picture.shape[1]
    return Examination(tuple(said), terms, size_px, _next(said))


def _readings(picture: Image, problem: Problem) -> list[Reading]:
    return readings(picture, problem.content, problem.recipe)


@dataclass(frozen=True, eq=False)
class _Scene:
    """A picture as it was read, with its loss; `problem` has the pictures at its size."""

    happened: str
    picture: Image
    problem: Problem
    objective: Objective
    on_evaluation: OnEvaluation
    reduced: bool

    @classmethod
    def of(cls, reading: Reading, whole: Problem, objective_of: ObjectiveOf, on_evaluation: OnEvaluation) -> "_Scene":
        height, width = reading.picture.shape[:2]
        reduced = height * width > _LARGEST_PX
        if reduced:
            height, width = extent_for(LongestSide(_REDUCED_SIDE_PX), height, width)
        own = whole.recipe.style_size == "own"
        style_px = extent_for(LongestSide(max(height, width)), *whole.style.shape[:2]) if own else (height, width)
        content, style = resize(reading.content, height, width), resize(whole.style, *style_px)
        problem = replace(whole, content=content, style=style)
        picture = resize(reading.picture, height, width)
        return cls(reading.happened, picture, problem, objective_of(problem), on_evaluation, reduced)

    def at(self, image: Image) -> LossTerms:
        """The loss terms at an image of the picture's size."""
        terms = self.objective.loss_terms(self.problem.pixels(image))
        self.on_evaluation()
        return terms

    @cached_property
    def terms(self) -> LossTerms:
        """The loss terms at the picture."""
        return self.at(self.picture)

    @cached_property
    def reference(self) -> LossTerms:
        """The loss terms at the picture of a short run from where the recipe starts."""
        start = "content" if self.problem.recipe.init == "image" else self.problem.recipe.init
        problem = replace(self.problem, recipe=replace(self.problem.recipe, init=start))
        return self.at(self.after(start_pixels(problem, None, None, 0), REFERENCE_STEPS))

    def after(self, start: Pixels, steps: int) -> Image:
        """The picture after some steps of L-BFGS from a start, clipped and rounded as in a file."""

        def value_and_grad(point: Vector) -> tuple[float, Pixels]:
            pixels = point.reshape(start.shape).astype(start.dtype)
            terms, gradient = self.objective.evaluate(pixels)
            self.on_evaluation()
            return terms.total, gradient

        point = minimize(value_and_grad, start, LBFGS(), steps)
        return _as_a_file(self.problem.image(point.reshape(start.shape)))


def _likeliest(scenes: list[_Scene]) -> tuple[_Scene, Remark | None]:
    """The reading of the lowest loss, and what is said of it: nothing of the only one."""
    if len(scenes) == 1:
        return scenes[0], None
    first, second, *_ = sorted(scenes, key=lambda scene: scene.terms.total)
    ways = {scene.happened: scene.terms.total for scene in scenes}
    sideways = first.problem.content.shape[:2] == scenes[0].problem.content.shape[:2] and len(scenes) > 2
    clear = first.terms.total <= _CLEARLY * second.terms.total
    losses = ", ".join(f"{total:.4g} if it was {happened}" for happened, total in ways.items())
    what = first.happened if clear else "turned on its side" if sideways else " or ".join(ways)
    fix = "keep (height, width) in this order" if sideways else "keep the content's proportions"
    text = f"The picture does not have the content's proportions: it was {what}. The loss is {losses}."
    return first, Remark("proportions", f"{text} Fix: {fix}.", True, {"happened": what, "losses": ways})


def _colours(picture: Image, problem: Problem) -> list[Remark]:
    """A picture without colour, and how much of it lies at the ends of the range."""
    spread, given = (float(np.ptp(image, axis=-1).mean()) for image in (picture, problem.content))
    remarks = []
    if spread <= _GREY and min(given, float(np.ptp(problem.style, axis=-1).mean())) >= _COLOURED:
        text = f"The picture is grey: red, green and blue differ by {255 * spread:.2g} of 255 on average"
        remarks.append(Remark("grey", f"{text}, the content's by {255 * given:.3g}.", True, {"spread": spread}))
    black, white = float(np.mean(picture <= 0)), float(np.mean(picture >= 1))
    text = f"{black:.1%} of the picture's values are 0 and {white:.1%} are 255"
    return [*remarks, Remark("range", f"{text}.", values={"black": black, "white": white})]


def _repaired(scene: _Scene) -> tuple[_Scene, list[Remark]]:
    """The scene with the picture as it was before it was saved, and what went wrong then."""
    remarks: list[Remark] = []
    for _ in range(_MOST_REPAIRS):
        tried = {repair: scene.at(_undone(repair, scene.picture)) for repair in repairs_for(scene.picture)}
        lost = float(np.mean(scene.picture <= 0))
        proven = {
            repair: terms
            for repair, terms in tried.items()
            if proves(repair, scene.terms, terms, scene.reference.total, lost)
        }
        repair = best_of(proven)
        if repair is None:
            break
        remarks.append(_said(repair, scene.terms, tried[repair]))
        scene = _Scene(
            scene.happened,
            _undone(repair, scene.picture),
            scene.problem,
            scene.objective,
            scene.on_evaluation,
            scene.reduced,
        )
    return scene, remarks


def _undone(repair: Repair, picture: Image) -> Image:
    undone: Image = np.ascontiguousarray(np.clip(repair.undo(picture), 0, 1), np.float32)
    return undone


def _said(repair: Repair, before: LossTerms, after: LossTerms) -> Remark:
    values = {"happened": repair.happened, "loss": before.total, "loss_undone": after.total}
    text = f"The picture was {repair.happened}: with that undone, its loss falls from {before.total:.4g} to"
    return Remark(repair.kind, f"{text} {after.total:.4g}. Fix: {repair.fix}.", True, values)


def _lowness(scene: _Scene, picture: Image, terms: Mapping[str, LossTerms]) -> list[Remark]:
    """Whether the loss is as low as a short run of the reference makes it, and how much further it would fall."""
    off_255 = 255 * float(np.abs(scene.picture - scene.problem.content).mean())
    if off_255 <= _ALIKE_255 and terms["content"].total > _HIGH * terms["reference"].total:
        text = f"The picture is the content: they differ by {off_255:.2g} of 255 on average."
        return [Remark("content", text, True, {"mean_difference_255": off_255})]
    if scene.reduced:
        size = f"{scene.picture.shape[0]}x{scene.picture.shape[1]}"
        text = f"The losses are of the picture reduced to {size} px: whether it is near a minimum was not judged."
        return [Remark("not judged", text)]
    return [_beside_reference(terms), _further(scene)]


def _beside_reference(terms: Mapping[str, LossTerms]) -> Remark:
    ours, theirs = terms["picture"].by_name(), terms["reference"].by_name()
    ratio = ours["total"] / max(theirs["total"], 1e-300)
    values = {"loss": ours["total"], "loss_reference": theirs["total"]}
    text = f"The picture's loss is {ours['total']:.4g}, {ratio:.2g} times the {theirs['total']:.4g} of the reference's "
    text += f"picture after {REFERENCE_STEPS} evaluations of L-BFGS"
    if ratio <= _HIGH:
        return Remark("loss", f"{text}.", values=values)
    excess = {name: ours[name] - theirs[name] for name in ours if name != "total"}
    first = sorted(excess, key=lambda name: excess[name], reverse=True)[:2]
    most = " and ".join(f"{name} ({ours[name]:.4g}, there {theirs[name]:.4g})" for name in first if excess[name] > 0)
    return Remark("loss", f"{text}: it is not near a minimum of this loss. The most of it is {most}.", True, values)


def _further(scene: _Scene) -> Remark:
    """How far the loss falls from the picture on."""
    before = scene.terms.total
    after = scene.at(scene.after(scene.problem.pixels(scene.picture), FURTHER_STEPS)).total
    text = f"{FURTHER_STEPS} evaluations of L-BFGS from the picture take its loss from {before:.4g} to {after:.4g}"
    return Remark("further", f"{text} ({after / before - 1:+.0%}).", values={"loss": before, "loss_after": after})


def _next(said: list[Remark]) -> str:
    found = {remark.kind for remark in said if remark.found}
    if found - {"loss", "content"}:
        return "repair how the picture is saved, and check a new one: what is said of its loss will change"
    if found:
        return "hand over loss/content/*, loss/style/* and loss/tv next: a picture does not tell a wrong loss from too few steps"
    return "hand over loss/total and gradient/pixels next: a picture does not show whether they are right"


def _as_a_file(image: Image) -> Image:
    return (to_bytes(image) / np.float32(255)).astype(np.float32)
