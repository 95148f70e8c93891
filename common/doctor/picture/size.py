"""Whether a picture has the content's proportions; where it has not, the ways in which it may have lost them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from common.doctor.picture.remarks import Remark
from common.images import Image, extent_for, resize
from common.recipes import Recipe

Turn = Callable[[Image], Image]
Extent = tuple[int, int]
# Multiples of 16 or 32 pixels, to which some codes round, change the proportions by about as much.
_SAME_PROPORTIONS = 0.025
_ALIKE, _CLEARLY = (
    0.4,
    0.25,
)  # of unspoiled results, the right one had 0.57 or more, the wrong one 0.19, or both below 0.1

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


def sizes_said(picture: Image, content: Image, recipe: Recipe) -> Remark:
    """The picture's size beside the recipe's for this content."""
    ours, theirs, wanted = picture.shape[:2], content.shape[:2], extent_for(recipe.stages[-1].size, *content.shape[:2])
    text = f"The picture has {_px(ours)}, the content {_px(theirs)}"
    if ours == wanted:
        return Remark("size", f"{text}; {_px(wanted)} is the recipe's size.", values={"size_px": list(ours)})
    values = {"size_px": list(ours), "content_px": list(theirs), "recipe_px": list(wanted)}
    return Remark("size", f"{text}; the recipe makes {_px(wanted)} of it.", values=values)


def is_sideways(picture: Image, content: Image, recipe: Recipe) -> bool:
    """Whether a picture would have the right proportions with its height and width exchanged, and has not."""
    height, width = _extent(picture)
    return not _fits((height, width), content, recipe) and _fits((width, height), content, recipe)


def content_beside(picture: Image, content: Image, recipe: Recipe) -> tuple[Image, Remark | None]:
    """The part of the content that a picture shows, and what is said of proportions that are not the content's.

    The details of a stretched picture lie where those of the stretched content do; those of a cropped one do not.
    """
    size = _extent(picture)
    if _fits(size, content, recipe):
        return content, None
    middle = _cropped(content, size)
    alike = {"stretched": _alike(picture, content), "cropped": _alike(picture, middle)}
    first, second = sorted(alike, key=lambda happened: alike[happened], reverse=True)
    clear = alike[first] >= _ALIKE and alike[first] - alike[second] >= _CLEARLY
    what = first if clear else "stretched or cropped"
    text = f"The picture does not have the content's proportions: it was {what}. Its details correlate by "
    text += f"{alike['stretched']:.2f} with the stretched content's and by {alike['cropped']:.2f} with its middle's. "
    text += "Fix: keep the content's proportions."
    return middle if what == "cropped" else content, Remark("proportions", text, True, {"happened": what, **alike})


def _fits(size: Extent, content: Image, recipe: Recipe) -> bool:
    """Whether a size has the proportions of the content, or of what the recipe makes of the content."""
    theirs = _extent(content)
    rights = (extent_for(recipe.stages[-1].size, *theirs), theirs)
    return any(off_by(size, right) <= _SAME_PROPORTIONS for right in rights)


def off_by(size: Extent, right: Extent) -> float:
    """How far one side is from the right proportions, relative; less than a pixel counts as nothing."""
    scale = max(size) / max(right)
    off = max(abs(side - scale * other) for side, other in zip(size, right, strict=True))
    return 0.0 if off <= 1 else off / min(size)


def _alike(picture: Image, content: Image) -> float:
    """The correlation of the details of a picture and of a content that is brought to its size."""
    ours, theirs = (_details(image) for image in (picture, resize(content, *_extent(picture))))
    return float(np.sum(ours * theirs) / max(float(np.linalg.norm(ours) * np.linalg.norm(theirs)), 1e-300))


def _details(image: Image) -> NDArray[np.floating]:
    """The brightness without what is finer or coarser than a few hundredths of the longest side."""
    from scipy.ndimage import gaussian_filter  # here, since SciPy takes long to import

    grey, unit = image.mean(axis=-1, dtype=np.float64), max(image.shape) / 100
    band = gaussian_filter(grey, unit) - gaussian_filter(grey, 6 * unit)
    return np.asarray(band - band.mean())


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
