"""What may have gone wrong as a picture was saved, each with what undoes it: the right one lowers the loss.

A transfer ends near a minimum of its loss. A picture that was turned or recoloured afterwards is far from it, and
undoing that brings it back. An unfinished transfer is far from it, too, and there a recolouring may lower the loss by
chance: so more is asked of each than a lower loss.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.doctor.picture.remarks import Remark
from common.doctor.picture.size import SIDEWAYS, TURNS
from common.images import Image
from common.results import LossTerms

Undo = Callable[[Image], NDArray[np.floating]]
_FALLS_TO, _TONE_FALLS_TO = 0.6, 0.5  # of the loss
_CLEAR = 0.8  # of the loss of the next best of its kind
_OF_REFERENCE = 2.0  # a finished transfer's loss, at most, times that of the reference's short one


@dataclass(frozen=True)
class Repair:
    """A mistake of saving: what happened, what undoes it, and the advice."""

    kind: Literal["turn", "channels", "tone"]
    happened: str
    undo: Undo
    fix: str

    def said(self, before: float, after: float) -> Remark:
        """The mistake in words, by the loss at the picture and at the repaired one."""
        text = f"The picture was {self.happened}: with that undone, its loss falls from {before:.4g} to {after:.4g}. "
        values = {"happened": self.happened, "loss": before, "loss_undone": after}
        return Remark(self.kind, f"{text}Fix: {self.fix}.", True, values)


def repairs_for(picture: Image) -> list[Repair]:
    """Every repair that a picture of this shape may need."""
    turns = TURNS | SIDEWAYS if picture.shape[0] == picture.shape[1] else TURNS
    return [*_turns(turns), *_RECOLOURED]


def sideways_repairs() -> list[Repair]:
    """What a picture whose height and width are exchanged may need."""
    return _turns(SIDEWAYS)


def _turns(turns: Mapping[str, Undo]) -> list[Repair]:
    return [Repair("turn", happened, undo, _TURN_FIX) for happened, undo in turns.items()]


def undone(repair: Repair, picture: Image) -> Image:
    """The picture as it was before the mistake."""
    image: Image = np.ascontiguousarray(np.clip(repair.undo(picture), 0, 1), np.float32)
    return image


def proves(repair: Repair, before: LossTerms, after: LossTerms, reference_total: float) -> bool:
    """Whether the losses at a picture and at the repaired one prove that the picture needs the repair.

    `reference_total` is the loss of the reference's short run.
    """
    falls_to = after.total / max(before.total, 1e-300)
    finished = after.total <= _OF_REFERENCE * reference_total
    # An unfinished transfer is near the content, and whatever changes it takes it away from there.
    nearer = sum(after.content.values()) < sum(before.content.values()) if before.content else finished
    if repair.kind in ("turn", "channels"):
        return falls_to <= _FALLS_TO and nearer
    return falls_to <= _TONE_FALLS_TO and finished


def best_of(tried: Mapping[Repair, LossTerms]) -> Repair | None:
    """The repair of the lowest loss, unless another of its kind is nearly as good."""
    if not tried:
        return None
    first, *rest = sorted(tried, key=lambda repair: tried[repair].total)
    rivals = [tried[repair].total for repair in rest if repair.kind == first.kind]
    return first if not rivals or tried[first].total <= _CLEAR * rivals[0] else None


def _encoded(linear: Image) -> NDArray[np.floating]:
    """Linear values as sRGB (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)


def _decoded(encoded: Image) -> NDArray[np.floating]:
    """Values of sRGB as linear ones."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


_TURN_FIX = "save (height, width, 3) by transposing the tensor alone, and read the content with its EXIF orientation"
_SRGB_FIX = "save the values as they are: VGG-19 takes sRGB, neither decoded nor encoded"
_RECOLOURED = [
    Repair("channels", "saved as BGR", lambda image: image[..., ::-1], "reverse the channels once before saving"),
    Repair("tone", "saved as linear values", _encoded, _SRGB_FIX),
    Repair("tone", "encoded as sRGB twice", _decoded, _SRGB_FIX),
]
