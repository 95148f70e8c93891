"""What comes out: loss terms, steps and whole runs, to and from JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from common.images import Image


@dataclass(frozen=True)
class LossTerms:
    """Every term of the loss, already weighted: content and style by tap, and total variation."""

    content: Mapping[str, float]
    style: Mapping[str, float]
    tv: float

    @property
    def total(self) -> float:
        """The plain sum of all terms, in float64: what is minimised."""
        return sum(self.content.values()) + sum(self.style.values()) + self.tv

    def by_name(self) -> dict[str, float]:
        """Term by term, named `content relu4_2`, `style relu1_1`, ..., `tv`, `total`."""
        content = {f"content {tap}": value for tap, value in self.content.items()}
        style = {f"style {tap}": value for tap, value in self.style.items()}
        return {**content, **style, "tv": self.tv, "total": self.total}

    def by_kind(self) -> dict[str, float]:
        """The sums over taps: content, style, tv, total."""
        content, style = sum(self.content.values()), sum(self.style.values())
        return {"content": content, "style": style, "tv": self.tv, "total": self.total}


@dataclass(frozen=True)
class Step:
    """One evaluation of loss and gradient.

    `evaluation` counts from 1 over all stages, `elapsed_s` from the start of the run; `duration_s` is forward,
    backward and the optimizer's own work, without what a callback or the set-up took, and `evaluation_s` the forward
    and backward part of it.
    """

    evaluation: int
    stage: int
    elapsed_s: float
    duration_s: float
    evaluation_s: float
    losses: LossTerms


@dataclass(frozen=True, eq=False)
class RunResult:
    """A finished transfer: the picture (RGB in [0, 1]), every step, and the loss of that very picture.

    `setup_s` is the time to build the network and the targets. The last step's loss is that of the point
    evaluated last; `losses` is evaluated once more at the variable that became the picture.
    """

    image: Image
    losses: LossTerms
    steps: tuple[Step, ...]
    setup_s: float

    def to_json(self) -> dict[str, Any]:
        """Everything but the picture, as plain JSON values."""
        steps = [asdict(step) for step in self.steps]
        return {"losses": asdict(self.losses), "steps": steps, "setup_s": self.setup_s}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], image: Image) -> "RunResult":
        """The inverse of `to_json`, given the picture."""
        steps = tuple(Step(**{**step, "losses": LossTerms(**step["losses"])}) for step in values["steps"])
        return cls(image, LossTerms(**values["losses"]), steps, values["setup_s"])
