"""Every trap as changes of the reference that can be tried: which numbers come out if a port has fallen into it."""

from dataclasses import dataclass
from itertools import product
from typing import get_args

from common.doctor.hypotheses.inputs import input_changes
from common.doctor.hypotheses.loss import gram_changes, loss_changes
from common.doctor.hypotheses.network import network_changes
from common.doctor.hypotheses.taps import tap_changes
from common.doctor.reference import ALL, FILTERS, Case, Changes, Made, Orientation

STAGES = ("file", "resize", "input", "network", "taps", "gram", "loss", "gradient", "optimiser", "saved")
Stage = str


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A trap, what it changes, and what that is in words."""

    trap: int
    stage: Stage
    changes: Changes
    words: str

    @property
    def is_late(self) -> bool:
        """Whether it leaves every feature map as it is."""
        return STAGES.index(self.stage) >= STAGES.index("gram") and "own_style_size" not in self.changes

    @property
    def layer(self) -> str | None:
        """The only layer that it concerns, if it is one."""
        layer = self.changes.get("only_layer") or self.changes.get("dropped_bias")
        return None if layer in (None, ALL) else str(layer)


def stage_of(name: str) -> Stage:
    """The last stage that a tensor depends on."""
    kind, _, rest = name.partition("/")
    if kind in ("content", "style"):
        return "file" if rest == "decoded" else "resize"
    stages = {"pixels": "input", "input": "input", "features": "taps", "gram": "gram", "target": "gram"}
    stages |= {"loss": "loss", "gradient": "gradient", "adam": "optimiser", "lbfgs": "optimiser", "saved": "saved"}
    return stages[kind]


def hypotheses(case: Case) -> list[Hypothesis]:
    """All of them, the simplest of each trap first."""
    by_stage = {
        "file": _of_files,
        "resize": _of_resizing,
        "input": input_changes,
        "network": network_changes,
        "taps": tap_changes,
        "gram": gram_changes,
        "loss": loss_changes,
        "gradient": _of_gradient,
        "optimiser": _of_optimisers,
        "saved": _of_saving,
    }
    return [
        Hypothesis(trap, stage, changes, words)
        for stage, make in by_stage.items()
        for trap, changes, words in make(case)
    ]


def _of_files(_: Case) -> Made:
    for roles, which in ((("content", "style"), "both pictures"), (("content",), "content"), (("style",), "style")):
        for trap, changes, words in _of_reading():
            yield trap, {**changes, "roles": roles}, f"{which}: {words}"


def _of_reading() -> Made:
    for orientation in get_args(Orientation)[1:]:
        yield 34, {"orientation": orientation}, f"{orientation}"
    for transparency in ("over black", "ignored"):
        yield 34, {"transparency": transparency}, f"transparency is {transparency}, not laid over white"
    yield 34, {"palette_indices": True}, "the numbers of the palette's colours are taken for grey"
    yield 1, {"bgr_decoded": True}, "BGR where RGB is expected"


def _of_resizing(_: Case) -> Made:
    for eight_bits, name in product((False, True), ("lanczos", *FILTERS)):
        if name == "lanczos" and not eight_bits:
            continue
        words = f"resized by {name}" + (", rounded to 8 bits" if eight_bits else "")
        yield 24, {"filter": name, "eight_bits": eight_bits}, words
    yield 22, {"own_style_size": True}, "the style picture is not resized"


def _of_gradient(_: Case) -> Made:
    yield 27, {"flat_chw": True}, "in the order channel, height, width"


def _of_optimisers(case: Case) -> Made:
    for epsilon, hat in product((1e-8, 1e-7, 1e-6, 1e-5, 1e-3, 1e-1), (False, True)):
        if (epsilon, hat) != (case.adam.epsilon, False):
            place = "before" if hat else "after"
            yield 25, {"epsilon": epsilon, "epsilon_hat": hat}, f"{epsilon:g}, added {place} the bias correction"
    for name, scale in {"255": 255.0, "1/255": 1 / 255, "57.6": 57.63, "1/57.6": 1 / 57.63}.items():
        yield 26, {"rate_scale": scale}, f"{name} times the rate"
    for factr in (10.0**power for power in range(7, 17)):
        yield 28, {"factr": factr}, f"factr={factr:g} ends it"
    if case.lbfgs.maxfun is None:
        yield 29, {"maxfun": 20}, "a new call after every 20 evaluations"
    else:
        yield 29, {"maxfun": 10**9}, f"no new call after every {case.lbfgs.maxfun} evaluations"
    yield 30, {"clamped": True}, "every point is clamped to the range of RGB before it is evaluated"


def _of_saving(_: Case) -> Made:
    for saved in ("truncated", "stretched", "stretched, truncated"):
        yield 33, {"saved": saved}, saved
