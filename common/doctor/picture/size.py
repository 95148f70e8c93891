"""Whether a picture has the content's proportions; where it has not, the ways in which it may have lost them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from common.doctor.picture.remarks import Remark
from common.images import Image, extent_for
from common.recipes import Recipe

Turn = Callable[[Image], Image]
Extent = tuple[int, int]
# Multiples of 16 or 32 pixels, to which some codes round, change the proportions by about as much.
_SAME_PROPORTIONS = 0.025

# What happened to a picture, and what undoes it.
TURNS: dict[str, Turn] = {
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "turned by 180 degrees": lambda image: image[::-1, ::-1],
}
SIDEWAYS: dict[str, Turn] = {
    "transposed": lambda image: image.transpose(1, 0, 2),
    "turned by 90 degrees clockwise": lambda image: np.rot90(image, 1),
    "turned by 90 degrees counterclockwise": lambda image: np.rot90(image, -1),
    "transposed and turned by 180 degrees": lambda image: image.transpose(1, 0, 2)[::-1, ::-1],
}


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to read a picture beside the content: what happened, and both as they belong together."""

    happened: str
    picture: Image
    content: Image


def sizes_said(picture: Image, content: Image, recipe: Recipe) -> Remark:
    """The picture's size beside the recipe's for this content."""
    ours, theirs, wanted = picture.shape[:2], content.shape[:2], extent_for(recipe.stages[-1].size, *content.shape[:2])
    text = f"The picture has {_px(ours)}, the content {_px(theirs)}"
    if ours == wanted:
        return Remark("size", f"{text}; {_px(wanted)} is the recipe's size.", values={"size_px": list(ours)})
    values = {"size_px": list(ours), "content_px": list(theirs), "recipe_px": list(wanted)}
    return Remark("size", f"{text}; the recipe makes {_px(wanted)} of it.", values=values)


def readings(picture: Image, content: Image, recipe: Recipe) -> list[Reading]:
    """Every way to read a picture beside the content; a single one where the proportions are right."""
    size, theirs = _extent(picture), _extent(content)
    rights = (extent_for(recipe.stages[-1].size, *theirs), theirs)
    if any(off_by(size, right) <= _SAME_PROPORTIONS for right in rights):
        return [Reading("as it is", picture, content)]
    if any(off_by(size[::-1], right) <= _SAME_PROPORTIONS for right in rights):
        return [
            Reading(happened, np.ascontiguousarray(undo(picture)), content) for happened, undo in SIDEWAYS.items()
        ]
    return [Reading("stretched", picture, content), Reading("cropped", picture, _cropped(content, size))]


def off_by(size: Extent, right: Extent) -> float:
    """How far one side is from the right proportions, relative; less than a pixel counts as nothing."""
    scale = max(size) / max(right)
    off = max(abs(side - scale * other) for side, other in zip(size, right, strict=True))
    return 0.0 if off <= 1 else off / min(size)


def _cropped(content: Image, size: Extent) -> Image:
    """The middle of the content in the proportions of a size."""
    scale = min(content.shape[0] / size[0], content.shape[1] / size[1])
    height, width = max(1, round(scale * size[0])), max(1, round(scale * size[1]))
    top, left = (content.shape[0] - height) // 2, (content.shape[1] - width) // 2
    return content[top : top + height, left : left + width]


def _extent(image: Image) -> Extent:
    return image.shape[0], image.shape[1]


def _px(size: tuple[int, ...]) -> str:
    return f"{size[0]}x{size[1]} px"
