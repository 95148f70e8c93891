"""A finished picture beside content and style: its size, how it was saved, and whether its loss is low."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from common.doctor.picture.remarks import Remark
from common.doctor.picture.repairs import best_of, proves, repairs_for, sideways_repairs, undone
from common.doctor.picture.scene import FURTHER_STEPS, REFERENCE_STEPS, Scene, Tools
from common.doctor.picture.size import content_beside, is_sideways, sizes_said
from common.images import Image
from common.problem import Problem
from common.results import LossTerms

_MOST_REPAIRS = 3
_HIGH = 2.0  # times the reference's; of 12 unspoiled results the most was 1.03
_ALIKE_255 = 1.5  # a mean difference of the content that is rounding, or a gentle JPEG's
_GREY, _COLOURED = 1e-3, 0.02
_CLIPPED, _TIMES_THE_REFERENCES = 0.25, 3.0
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Examination:
    """What is said of a picture, and the loss terms at it, at the content and at the reference's picture, by name."""

    remarks: tuple[Remark, ...]
    terms: Mapping[str, LossTerms]
    size_px: tuple[int, int]

    @property
    def healthy(self) -> bool:
        """Whether no mistake was found."""
        return not any(remark.found for remark in self.remarks)

    @property
    def next_step(self) -> str:
        """What to do next, or what to hand over."""
        found = {remark.kind for remark in self.remarks if remark.found}
        if found - {"loss", "content"}:
            return "repair how the picture is saved, and check a new one"
        if found:
            return "hand over loss/content/*, loss/style/* and loss/tv, which tell a wrong loss from too few steps"
        return "hand over loss/total and gradient/pixels: a picture does not show whether they are right"


def examine(picture: Image, problem: Problem, tools: Tools) -> Examination:
    """Examine a picture as the result of a problem, whose content and style have the sizes of their files.

    Images are RGB in [0, 1], (H, W, 3), no side below the recipe's smallest.
    """
    said = [sizes_said(picture, problem.content, problem.recipe)]
    if is_sideways(picture, problem.content, problem.recipe):
        picture, turned = _upright(picture, problem, tools)
        said.append(turned)
    content, disproportion = content_beside(picture, problem.content, problem.recipe)
    said += [disproportion] if disproportion else []
    problem = replace(problem, content=content)
    said += _grey(picture, problem)
    scene = Scene.of(picture, problem, tools)
    best = scene.reference()
    reference = scene.losses(best)
    scene, repaired = _repaired(scene, reference)
    terms = {"picture": scene.losses(), "content": scene.losses(scene.problem.content), "reference": reference}
    said += [*repaired, _clipped(scene, best, terms), *_lowness(scene, terms)]
    height, width = scene.picture.shape[:2]
    return Examination(tuple(said), terms, (height, width))


def _upright(picture: Image, problem: Problem, tools: Tools) -> tuple[Image, Remark]:
    """The picture turned back in the way that gives the lowest loss, and what is said of it."""
    turned = {way: undone(way, picture) for way in sideways_repairs()}
    scene = Scene.of(next(iter(turned.values())), problem, tools)
    losses = {way: scene.with_picture(image).losses() for way, image in turned.items()}
    likeliest, sure = min(losses, key=lambda way: losses[way].total), best_of(losses)
    what = "turned on its side" if sure is None else sure.happened
    each = ", ".join(f"{terms.total:.4g} if it was {way.happened}" for way, terms in losses.items())
    text = f"The picture's height and width are exchanged: it was {what}. Its loss upright is {each}."
    return turned[likeliest], Remark("proportions", f"{text} Fix: {likeliest.fix}.", True, {"happened": what})


def _grey(picture: Image, problem: Problem) -> list[Remark]:
    """A picture without colour, of pictures that have some."""
    spread, *given = (float(np.ptp(image, axis=-1).mean()) for image in (picture, problem.content, problem.style))
    if spread > _GREY or min(given) < _COLOURED:
        return []
    text = (
        f"The picture is grey: red, green and blue differ by {255 * spread:.2g} of 255 on average, in the content by "
    )
    return [Remark("grey", f"{text}{255 * given[0]:.3g} and in the style by {255 * given[1]:.3g}.", True)]


def _repaired(scene: Scene, reference: LossTerms) -> tuple[Scene, list[Remark]]:
    """The scene with the picture as it was before it was saved, and what went wrong then."""
    remarks: list[Remark] = []
    for _ in range(_MOST_REPAIRS):
        before = scene.losses()
        pictures = {repair: undone(repair, scene.picture) for repair in repairs_for(scene.picture)}
        tried = {repair: scene.losses(image) for repair, image in pictures.items()}
        proven = {it: terms for it, terms in tried.items() if proves(it, before, terms, reference.total)}
        repair = best_of(proven)
        if repair is None:
            break
        remarks.append(repair.said(before.total, tried[repair].total))
        scene = scene.with_picture(pictures[repair])
    return scene, remarks


def _clipped(scene: Scene, best: Image, terms: Mapping[str, LossTerms]) -> Remark:
    """How much of the picture lies at the ends of the range; a mistake where the reference's does not, by far."""
    (black, white), (their_black, their_white) = _ends(scene.picture), _ends(best)
    text = f"{black:.1%} of the picture's values are 0 and {white:.1%} are 255"
    values = {"black": black, "white": white, "black_reference": their_black, "white_reference": their_white}
    much = black + white >= max(_CLIPPED, _TIMES_THE_REFERENCES * (their_black + their_white))
    if not much or terms["picture"].total <= _HIGH * terms["reference"].total:
        return Remark("range", f"{text}.", values=values)
    text += f"; of the reference's, {their_black:.1%} and {their_white:.1%}. "
    text += "Its values were clipped in another range, or the run had only begun."
    fix = "map the optimized variable back to RGB in [0, 1] (mean and deviation), and clip then"
    return Remark("range", f"{text} Fix: {fix}.", True, values)


def _ends(image: Image) -> tuple[float, float]:
    return float(np.mean(image <= 0)), float(np.mean(image >= 1))


def _lowness(scene: Scene, terms: Mapping[str, LossTerms]) -> list[Remark]:
    """Whether the loss is as low as a short run of the reference makes it, and how much further it would fall."""
    off_255 = 255 * float(np.abs(scene.picture - scene.problem.content).mean())
    if off_255 <= _ALIKE_255 and terms["content"].total > _HIGH * terms["reference"].total:
        text = f"The picture is the content: they differ by {off_255:.2g} of 255 on average."
        return [Remark("content", text, True, {"mean_difference_255": off_255})]
    if scene.reduced:
        height, width = scene.picture.shape[:2]
        text = f"The losses are of the picture reduced to {height}x{width} px: whether they are low was not judged."
        return [Remark("not judged", text)]
    if scene.tools.saved is None:
        text = "The losses are of a WebP file, whose compression raises them: whether they are low was not judged."
        return [Remark("not judged", text)]
    return [_beside_reference(terms), _further(scene, terms["picture"].total)]


def _beside_reference(terms: Mapping[str, LossTerms]) -> Remark:
    ours, theirs = terms["picture"].by_name(), terms["reference"].by_name()
    ratio = ours["total"] / max(theirs["total"], _TINY)
    values = {"loss": ours["total"], "loss_reference": theirs["total"]}
    text = f"The picture's loss is {ours['total']:.4g}, {ratio:.2g} times the {theirs['total']:.4g} of the reference's "
    text += f"picture after {REFERENCE_STEPS} evaluations of L-BFGS, saved likewise ({_by_kind(terms)})"
    if ratio <= _HIGH:
        return Remark("loss", f"{text}.", values=values)
    excess = {name: ours[name] - theirs[name] for name in ours if name != "total"}
    first = sorted(excess, key=lambda name: excess[name], reverse=True)[:2]
    most = " and ".join(f"{name} ({ours[name]:.4g}, there {theirs[name]:.4g})" for name in first if excess[name] > 0)
    text += f": it is not near a minimum of this loss. The most of it is {most}. Too few steps, another loss, and a "
    return Remark("loss", f"{text}resize afterwards each do that.", True, values)


def _by_kind(terms: Mapping[str, LossTerms]) -> str:
    """How many times the reference's the sums of the picture's terms are."""
    ours, theirs = terms["picture"].by_kind(), terms["reference"].by_kind()
    return ", ".join(
        f"{kind} {ours[kind] / theirs[kind]:.2g} times" for kind in ours if kind != "total" and theirs[kind]
    )


def _further(scene: Scene, before: float) -> Remark:
    """How far the loss falls from the picture on."""
    after = scene.losses(scene.continued()).total
    change = after / max(before, _TINY) - 1
    text = f"{FURTHER_STEPS} evaluations of L-BFGS from the picture take its loss from {before:.4g} to {after:.4g}"
    return Remark(
        "further",
        f"{text} ({change:+.0%}, what clipping took included).",
        values={"loss": before, "loss_after": after},
    )
