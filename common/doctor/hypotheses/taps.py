"""The traps of taps: the other side of a ReLU, or another layer."""

from collections.abc import Iterable, Iterator

from common.doctor.hypotheses.trap import Fault, Trap
from common.doctor.reference import Case
from common.vgg19 import CONVS

_NAMES = tuple(layer.name for layer in CONVS)


def _across_relus(case: Case) -> Iterator[Fault]:
    recipe = case.problem.recipe
    taps, style = recipe.taps, recipe.style_taps
    if len(taps) > 1:
        yield Fault(_moved(taps), "every tap is across its ReLU")
    if style and style != taps:
        yield Fault(_moved(style), "every style tap is across its ReLU")
    for tap in taps:
        if (tap,) != style[-1:]:
            yield Fault(_moved([tap]), f"{tap} is {_across(tap)}", rank=1)


ACROSS_RELUS = Trap(
    number=9,
    title="taps are taken on the other side of their ReLU",
    fix="convB_I is before the ReLU, reluB_I after it; Keras' blockB_convI includes the ReLU, and torchvision's ReLUs "
    "change the tensor before them in place",
    seen_in="the two tabs of the d2l chapter; gordicaleksa's conv4_2",
    faults={"taps": _across_relus},
)


def _deepest_across_relu(case: Case) -> Iterator[Fault]:
    for tap in case.problem.recipe.style_taps[-1:]:
        yield Fault(_moved([tap]), f"{tap} is {_across(tap)}")


DEEPEST_ACROSS_RELU = Trap(
    number=10,
    title="only the deepest style tap is taken on the other side of its ReLU",
    fix="take every tap on the side that the recipe names; a network that is cut after a convolution has no ReLU there",
    seen_in="the d2l chapter, PyTorch tab",
    faults={"taps": _deepest_across_relu},
)


def _other_layers(case: Case) -> Iterator[Fault]:
    taps = case.problem.recipe.taps
    for steps in (1, -1):
        shifted = {tap: layer for tap in taps if (layer := _shifted(tap, steps)) is not None}
        if len(shifted) == len(taps):
            detail = f"every tap is one convolution {'deeper' if steps == 1 else 'earlier'}"
            yield Fault({"taps": shifted}, detail, rank=1)
    counted = {tap: _counted(tap) for tap in taps if not tap.startswith("pool")}
    yield Fault({"taps": counted}, "a tap's block is taken for the running number of its convolution", rank=1)
    for tap in taps:
        layers = (_shifted(tap, steps) for steps in (1, -1, 2, -2, 3, -3))
        for layer in filter(None, layers):
            yield Fault({"taps": {tap: layer}}, f"{tap} is {layer}", rank=1)


OTHER_LAYERS = Trap(
    number=11,
    title="a tap is taken from another layer of the network",
    fix="name layers by block and place (conv2_2), not by a running number",
    seen_in="the PyTorch tutorial, whose conv_4 is conv2_2",
    faults={"taps": _other_layers},
)


def _moved(taps: Iterable[str]) -> dict[str, dict[str, str]]:
    return {"taps": {tap: _across(tap) for tap in taps if not tap.startswith("pool")}}


def _across(tap: str) -> str:
    """The same convolution on the other side of its ReLU."""
    return tap.replace("conv", "relu") if tap.startswith("conv") else tap.replace("relu", "conv")


def _counted(tap: str) -> str:
    """conv4_1 as the fourth convolution of the network."""
    return _NAMES[int(tap[4]) - 1].replace("conv", tap[:4])


def _shifted(tap: str, steps: int) -> str | None:
    """The tap on the same side some convolutions further down; None where there is none."""
    conv = tap.replace("relu", "conv")
    if conv not in _NAMES:
        return None
    index = _NAMES.index(conv) + steps
    if not 0 <= index < len(_NAMES):
        return None
    return _NAMES[index].replace("conv", tap[:4])
