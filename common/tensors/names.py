"""What the tensors are called: `features/relu4_1`, `loss/total`, `adam/3/gradient`, in the order in which data flow."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from numpy.typing import NDArray

from common.errors import RosettaError
from common.problem import Problem
from common.vgg19 import NAMES, cut

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Stage = Literal["file", "resize", "input", "network", "taps", "gram", "loss", "gradient", "optimizer", "saved"]

STAGES: tuple[Stage, ...] = get_args(Stage)
ADAM_STEPS = 5
LBFGS_EVALUATIONS = 24  # a restart after 20 shows
LBFGS_CHECKED = 3  # losses and gradients at the first points; the steps are judged at all of them

# Every kind of tensor, by the last stage that it depends on.
_KINDS: dict[Stage, tuple[str, ...]] = {
    "file": ("content/decoded", "style/decoded"),
    "resize": ("content/resized", "style/resized"),
    "input": ("pixels", "input"),
    "taps": ("features",),
    "gram": ("gram", "target/content", "target/style"),
    "loss": ("loss/content", "loss/style", "loss/tv", "loss/total"),
    "gradient": ("gradient/features", "gradient/pixels"),
    "optimizer": ("adam/gradient", "adam/pixels", "lbfgs/pixels", "lbfgs/losses", "lbfgs/gradients"),
    "saved": ("saved",),
}
_STAGE_OF = {kind: stage for stage, kinds in _KINDS.items() for kind in kinds}
_AT_TAPS = ("features", "gram", "target/content", "target/style", "loss/content", "loss/style", "gradient/features")


@dataclass(frozen=True)
class TensorName:
    """The name of a tensor in parts: its kind, such as `target/style`, and its tap or layer, or Adam's step.

    `tap` is empty where there is none. `step` counts from 1, and is 0 where there is none.
    """

    kind: str
    tap: str = ""
    step: int = 0

    @staticmethod
    @lru_cache(maxsize=1024)
    def parse(text: str) -> "TensorName":
        """Take a name apart; raise RosettaError for one that no tensor has."""
        *before, last = text.split("/")
        if last in NAMES:
            name = TensorName("/".join(before), tap=last)
        elif len(before) == 2 and before[1].isdecimal():
            name = TensorName(f"{before[0]}/{last}", step=int(before[1]))
        else:
            name = TensorName(text)
        complete = bool(name.tap) == (name.kind in _AT_TAPS) and bool(name.step) == name.kind.startswith("adam/")
        if name.kind not in _STAGE_OF or not complete:
            raise RosettaError(f"there is no tensor {text!r}: use names such as features/relu1_1 and loss/total")
        return name

    @property
    def stage(self) -> Stage:
        """The last stage that the tensor depends on."""
        return _STAGE_OF[self.kind]

    @property
    def role(self) -> str:
        """Which picture it is of: `content` or `style`."""
        return next(role for role in ("content", "style") if role in self.kind)

    @property
    def stepped_from(self) -> str:
        """The variable that one of Adam's steps is taken from."""
        return "pixels" if self.step <= 1 else f"adam/{self.step - 1}/pixels"

    @property
    def is_forward(self) -> bool:
        """Whether it is computed before the loss."""
        return STAGES.index(self.stage) <= STAGES.index("gram")

    def depends_on(self, other: "TensorName") -> bool:
        """Whether the same operation computes `other` and, elsewhere, this tensor, whatever the value of `other`.

        A layer computes its own output, the targets at or above it, and, backwards, the gradients at or below its
        input. `other` is up to the gradient; nothing is told of the optimizers' own tensors.
        """
        if other.kind.startswith("target/") or other.stage in ("file", "resize", "optimizer", "saved"):
            return False
        if self.kind == "lbfgs/losses":
            return other.stage != "gradient"
        if self.kind in ("lbfgs/gradients", "adam/gradient"):
            return True
        if other.stage == "gradient":
            return False
        if self.kind.startswith("target/"):
            if other.kind == "gram":
                return self.kind == "target/style" and self.tap == other.tap
            return other.stage != "loss" and self._depth >= other._depth
        if self.stage == "gradient":
            above = other._depth - (1 if other.kind == "features" else 0)
            return other.kind == "loss/total" or self.kind == "gradient/pixels" or self._depth <= above
        return False

    @property
    def _depth(self) -> int:
        return NAMES.index(self.tap) if self.tap else -1


def tensor_names(problem: Problem) -> tuple[str, ...]:
    """Every tensor of a problem, forward, then backward, then the optimizers and the saved file."""
    recipe = problem.recipe
    layers = [layer.name for layer in cut(recipe.taps)]
    content, style = problem.coefficients.content, problem.coefficients.style
    return (
        *("content/decoded", "style/decoded", "content/resized", "style/resized", "pixels", "input"),
        *(f"features/{name}" for name in layers),
        *(f"gram/{tap}" for tap in style),
        *(f"target/content/{tap}" for tap in content),
        *(f"target/style/{tap}" for tap in style),
        *(f"loss/content/{tap}" for tap in content),
        *(f"loss/style/{tap}" for tap in style),
        *(["loss/tv"] if recipe.tv_form != "none" else []),
        "loss/total",
        *(f"gradient/features/{tap}" for tap in reversed(layers) if tap in recipe.taps),
        "gradient/pixels",
        *(f"adam/{step}/{what}" for step in range(1, ADAM_STEPS + 1) for what in ("gradient", "pixels")),
        *("lbfgs/pixels", "lbfgs/losses", "lbfgs/gradients"),
        "saved",
    )


def inputs_of(text: str, problem: Problem) -> tuple[str, ...]:
    """The tensors that one is computed from, as far as they have names; of a gradient that is the loss."""
    name, tap = TensorName.parse(text), TensorName.parse(text).tap
    terms = [
        other for other in tensor_names(problem) if TensorName.parse(other).stage == "loss" and other != "loss/total"
    ]
    below = NAMES[NAMES.index(tap) - 1] if tap and tap != NAMES[0] else None
    return {
        "content/resized": ("content/decoded",),
        "style/resized": ("style/decoded",),
        "input": ("pixels",),
        "features": (f"features/{below}",) if below else ("input",),
        "gram": (f"features/{tap}",),
        "target/content": ("content/resized",),
        "target/style": ("style/resized",),
        "loss/content": (f"features/{tap}", f"target/content/{tap}"),
        "loss/style": (f"gram/{tap}", f"target/style/{tap}"),
        "loss/tv": ("pixels",),
        "loss/total": tuple(terms),
        "gradient/features": ("loss/total",),
        "gradient/pixels": ("loss/total",),
        "adam/gradient": (name.stepped_from,),
        "adam/pixels": (name.stepped_from, f"adam/{name.step}/gradient"),
        "lbfgs/pixels": ("pixels", "lbfgs/losses", "lbfgs/gradients"),
        "lbfgs/losses": ("lbfgs/pixels",),
        "lbfgs/gradients": ("lbfgs/pixels",),
    }.get(name.kind, ())
