"""What a recipe is, in Python and as plain JSON values."""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal

from common.errors import RosettaError
from common.json_values import from_json
from common.vgg19 import SPACES, Family, Pooling, Preprocessing, check_taps, smallest_side_px

Convention = Literal["mean", "gatys", "image", "blog"]
TotalVariation = Literal["none", "mean_abs", "sum_abs", "power"]


@dataclass(frozen=True)
class Exactly:
    """Resize to this height and width, whatever the proportions."""

    height_px: int
    width_px: int

    def __post_init__(self) -> None:
        _check(min(self.height_px, self.width_px) >= 1, f"a picture cannot be {self}: give sides from 1 pixel up")

    def __str__(self) -> str:
        return f"{self.height_px}x{self.width_px}"


@dataclass(frozen=True)
class LongestSide:
    """Keep the proportions; the longest side becomes `side_px`, or stays as it is where only shrinking is allowed.

    That side is then multiplied by `factor`.
    """

    side_px: int
    only_shrink: bool = False
    factor: float = 1.0

    def __post_init__(self) -> None:
        fits = self.side_px >= 1 and 0 < self.factor < float("inf")
        _check(fits, f"a picture cannot have the {self}: give a side from 1 pixel up, and a factor above 0")

    def __str__(self) -> str:
        return f"longest side {self.side_px}" + ("" if self.factor == 1 else f" times {self.factor:g}")


Size = Exactly | LongestSide


def _check(fits: bool, otherwise: str) -> None:
    if not fits:
        raise RosettaError(otherwise)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2014), with a rate that is multiplied by `decay` after every `decay_every` steps.

    `textbook` divides by sqrt(v_hat) + epsilon, as algorithm 1 of the paper and PyTorch do, in every
    framework. `native` is the framework's own optimizer with its own epsilon, which differ.
    """

    label: ClassVar[str] = "Adam"
    learning_rate: float
    decay: float = 1.0
    decay_every: int | None = None
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    form: Literal["textbook", "native"] = "textbook"

    def __post_init__(self) -> None:
        positive = 0 < self.learning_rate < float("inf") and 0 < self.decay < float("inf") and self.epsilon >= 0
        fits = positive and 0 <= min(self.beta1, self.beta2) <= max(self.beta1, self.beta2) < 1
        _check(fits and (self.decay_every is None or self.decay_every >= 1), f"Adam cannot run with {vars(self)}")

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        decays = 0 if self.decay_every is None else step // self.decay_every
        return self.learning_rate * self.decay**decays

    def factors_at(self, step: int) -> tuple[float, float, float]:
        """The learning rate of a step, counted from 0, and the corrections of the two means for their start at 0."""
        return self.rate_at(step), 1 - self.beta1 ** (step + 1), 1 - self.beta2 ** (step + 1)


@dataclass(frozen=True)
class LBFGS:
    """SciPy's L-BFGS-B without bounds; the memory is dropped after every call of `maxfun` evaluations, if given."""

    label: ClassVar[str] = "L-BFGS"
    memory: int = 10
    maxfun: int | None = None

    def __post_init__(self) -> None:
        fits = self.memory >= 1 and (self.maxfun is None or self.maxfun >= 1)
        _check(fits, f"L-BFGS cannot run with {vars(self)}: give whole numbers from 1 up")


Optimizer = Adam | LBFGS


@dataclass(frozen=True)
class Until:
    """What ends a stage before its steps are used up: a loss that is low enough, or one that hardly falls any more.

    `change` is the part by which the lowest loss has to fall in 20 evaluations for the stage to go on. Raises
    RosettaError for values that no run can reach.
    """

    loss: float | None = None
    change: float | None = None

    def __post_init__(self) -> None:
        if self.loss is not None and not 0 < self.loss < float("inf"):
            raise RosettaError(f"a run cannot end at a loss of {self.loss:g}: give a number above 0")
        if self.change is not None and not 0 < self.change < 1:
            raise RosettaError(f"a change of {self.change:g} ends no run: give a part between 0 and 1, such as 1%")


@dataclass(frozen=True)
class Stage:
    """A part of a run: `steps` evaluations of loss and gradient at one size, or fewer where `until` ends it.

    Where it `continues` the stage before, Adam in the textbook form keeps that stage's moments, resized, and its count
    of steps. The layers compute the first `bfloat16_steps` evaluations of Adam in bfloat16, the rest in the problem's
    precision. Raises RosettaError for more of them than steps, for any with L-BFGS, and for any with `until`, which may
    end the stage in bfloat16.
    """

    size: Size
    steps: int
    optimizer: Optimizer
    until: Until | None = None
    continues: bool = False
    bfloat16_steps: int = 0

    def __post_init__(self) -> None:
        if self.bfloat16_steps == 0:
            return
        is_adam, fits = isinstance(self.optimizer, Adam), 0 < self.bfloat16_steps <= self.steps
        _check(fits, f"{self.bfloat16_steps} of {self.steps} steps cannot be in bfloat16: make the recipe mixed last")
        _check(is_adam, "mixed precision is for Adam: choose Adam, or float32")
        _check(
            self.until is None,
            "mixed precision ends by float32 after all steps: leave out --until and --until-loss, or mixed",
        )

    def of_steps(self, steps: int) -> "Stage":
        """The stage with another number of steps, as many of them not in bfloat16 as before."""
        exact = self.steps - self.bfloat16_steps
        return replace(self, steps=steps, bfloat16_steps=max(0, steps - exact) if self.bfloat16_steps else 0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the result but the pictures, the weights and the arithmetic.

    `pixel_space` is what the optimizer's variable is; `family` names the preprocessing of the checkpoints
    that the loss weights were tuned for. `style_size` says whether the style image is resized to the content's
    size or by the size rule on its own. Raises RosettaError for values that cannot be computed.
    """

    name: str
    source: str
    url: str | None = None
    style_taps: tuple[str, ...]
    content_taps: tuple[str, ...]
    pooling: Pooling
    convention: Convention
    content_weight: float
    style_weight: float
    tv_weight: float = 0.0
    tv_form: TotalVariation = "none"
    pixel_space: Preprocessing
    family: Family
    stages: tuple[Stage, ...]
    init: Literal["content", "noise", "image"] = "content"
    style_size: Literal["content", "own"] = "content"
    deviations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for taps in (self.style_taps, self.content_taps):
            if len(check_taps(taps)) != len(taps):
                raise RosettaError(f"a tap stands twice in {', '.join(taps)}: name each once")
        weights = (self.content_weight, self.style_weight, self.tv_weight)
        finite = all(0 <= weight < float("inf") for weight in weights)
        _check(finite, f"loss weights are finite and not negative, not {weights}")
        _check(bool(self.taps), "a recipe needs at least one style or content tap")
        _check(bool(self.stages), "a recipe needs at least one stage")
        _check(all(stage.steps >= 1 for stage in self.stages), "every stage needs at least 1 step")

    @property
    def taps(self) -> tuple[str, ...]:
        """Every tap of the recipe, once, style first."""
        return check_taps(self.style_taps + self.content_taps)

    @property
    def smallest_side_px(self) -> int:
        """The shortest image side that the recipe's taps, and the differences of its total variation, allow."""
        return max(smallest_side_px(self.taps), 1 if self.tv_form == "none" else 2)

    @property
    def steps(self) -> int:
        """The evaluations of all stages together."""
        return sum(stage.steps for stage in self.stages)


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """Every field by name; the pixel space is its name, and each stage names the kind of its optimizer."""
    stages = [
        {**asdict(stage), "optimizer": {"kind": type(stage.optimizer).__name__.lower(), **asdict(stage.optimizer)}}
        for stage in recipe.stages
    ]
    return {**asdict(recipe), "pixel_space": recipe.pixel_space.name, "stages": stages}


@dataclass(frozen=True)
class _Space:
    """The part of a recipe's JSON that names a value."""

    pixel_space: Literal["caffe", "imagenet", "unit"]


def recipe_from_json(values: Any, place: str = "") -> Recipe:
    """The inverse of `recipe_to_json`; raise ValueError with the place of what does not fit, or RosettaError."""
    space = SPACES[from_json(_Space, values, place).pixel_space]
    return from_json(Recipe, {**values, "pixel_space": asdict(space)}, place)
