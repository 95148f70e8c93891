"""The traps of the network itself: pooling, borders, biases, arithmetic, and the layers that the taps are."""

from collections.abc import Iterable, Iterator

from common.doctor.hypotheses.trap import Fault, Trap, fault
from common.oracle import ALL, Case
from common.vgg19 import CONVS, cut

_CONVS = tuple(layer.name for layer in CONVS)


@Trap(
    12,
    "the pooling is average where the recipe says max, or the reverse",
    fix="use the pooling that the recipe names",
    seen_in="papers against their codes",
)
def _other_pooling(case: Case) -> Iterator[Fault]:
    right = case.problem.recipe.pooling
    wrong = "max" if right == "average" else "average"
    yield fault("network", f"{wrong}, where the recipe says {right}", other_pooling=True)


@Trap(
    13,
    "the pooled values are multiplied by a factor",
    fix="do not rescale after pooling",
    seen_in="crowsonkb/style-transfer-pytorch",
)
def _scaled_pools(_: Case) -> Iterator[Fault]:
    for factor in (2.0, 0.5, 4.0, 0.25):
        yield fault("network", f"the pooled values are multiplied by {factor:g}", pool_scale=factor)


@Trap(
    14,
    "pooling rounds odd sizes up",
    fix="round down: VALID padding in TensorFlow, ceil_mode=False in PyTorch",
    seen_in="TensorFlow ports with SAME padding; Caffe",
)
def _ceil_pooling(_: Case) -> Iterator[Fault]:
    yield fault("network", "the last row and column of an odd size are windows of their own", ceil_pooling=True)


@Trap(
    15,
    "the convolutions do not pad the border with zeros",
    fix="pad with zeros, as when the network was trained",
    seen_in="crowsonkb/style-transfer-pytorch; AdaIN",
)
def _other_padding(_: Case) -> Iterator[Fault]:
    for padding in ("replicate", "reflect"):
        yield fault("network", f"{padding} padding", padding=padding)


@Trap(17, "biases are left out", fix="load the biases, too", seen_in="hand-written converters")
def _dropped_biases(case: Case) -> Iterator[Fault]:
    yield fault("network", "no convolution has its bias", dropped_bias=ALL)
    for layer in cut(case.problem.recipe.taps):
        if layer.kind == "conv":
            yield fault("network", f"{layer.name} has no bias", rank=1, dropped_bias=layer.name)


@Trap(
    32,
    "no bug of the port: the layers are computed in TF32, bfloat16 or float16",
    fix="switch TF32 off (torch.backends.cudnn.allow_tf32, enable_tensor_float_32_execution), or accept its tolerance",
    seen_in="GPUs since Ampere",
    harmless=True,
)
def _low_precision(_: Case) -> Iterator[Fault]:
    yield fault("network", "TF32, with 10 bits of fraction", arithmetic="tf32")
    for name, bits in (("bfloat16", 7), ("float16", 10)):
        detail = f"{name}, with {bits} bits of fraction"
        yield fault("network", detail, arithmetic=name)
        detail += ", rounded once more before the bias is added"
        yield fault("network", detail, arithmetic=name, bias_apart=True)
    for name, words in (("tf32", "TF32"), ("bfloat16", "bfloat16"), ("float16", "float16")):
        detail = f"only the inputs of the convolutions are rounded to {words}"
        yield fault("network", detail, arithmetic=name, arithmetic_of="inputs")


TURNED_DECISIONS = Trap(
    31,
    "no bug: rounding changed the sign at a ReLU or between equal neighbours, or the choice in a max-pool window",
    fix="nothing: compare in float64, or with average pooling; |x| of the total variation may have any slope at 0",
    seen_in="every pair of frameworks",
    harmless=True,
)


def _across(tap: str) -> str:
    """The same convolution on the other side of its ReLU."""
    return tap.replace("conv", "relu") if tap.startswith("conv") else tap.replace("relu", "conv")


def _moved(detail: str, taps: Iterable[str], rank: int = 0) -> Fault:
    moved = {tap: _across(tap) for tap in taps if not tap.startswith("pool")}
    return fault("taps", detail, rank, taps=moved)


@Trap(
    9,
    "taps are taken on the other side of their ReLU",
    fix="convB_I is before the ReLU, reluB_I after it; Keras' blockB_convI includes the ReLU, and torchvision's ReLUs "
    "change the tensor before them in place",
    seen_in="the two tabs of the d2l chapter; gordicaleksa's conv4_2",
)
def _across_relus(case: Case) -> Iterator[Fault]:
    taps, style = case.problem.recipe.taps, case.problem.recipe.style_taps
    if len(taps) > 1:
        yield _moved("every tap is across its ReLU", taps)
    if style and style != taps:
        yield _moved("every style tap is across its ReLU", style)
    before, after = (tuple(tap for tap in taps if tap.startswith(side)) for side in ("conv", "relu"))
    if before and len(after) > 1:
        yield _moved("every tap after a ReLU is before it", after)
    if after and len(before) > 1:
        yield _moved("every tap before a ReLU is after it", before)
    for tap in taps:
        if (tap,) != style[-1:]:
            yield _moved(f"{tap} is {_across(tap)}", [tap], rank=1)


@Trap(
    10,
    "only the deepest style tap is taken on the other side of its ReLU",
    fix="take every tap on the side that the recipe names; a network that is cut after a convolution has no ReLU there",
    seen_in="the d2l chapter, PyTorch tab",
)
def _deepest_across_relu(case: Case) -> Iterator[Fault]:
    for tap in case.problem.recipe.style_taps[-1:]:
        yield _moved(f"{tap} is {_across(tap)}", [tap])


def _shifted(tap: str, steps: int) -> str | None:
    """The tap on the same side some convolutions further down; None where there is none."""
    conv = tap.replace("relu", "conv")
    index = _CONVS.index(conv) + steps if conv in _CONVS else -1
    return _CONVS[index].replace("conv", tap[:4]) if 0 <= index < len(_CONVS) else None


@Trap(
    11,
    "a tap is taken from another layer of the network",
    fix="name layers by block and place (conv2_2), not by a running number",
    seen_in="the PyTorch tutorial, whose conv_4 is conv2_2",
)
def other_layers(case: Case) -> Iterator[Fault]:
    """Taps from layers near by, by a running number, or of the tap before or after in the list."""
    taps = case.problem.recipe.taps
    for steps, where in ((1, "deeper"), (-1, "earlier")):
        shifted = {tap: layer for tap in taps if (layer := _shifted(tap, steps)) is not None}
        if len(shifted) == len(taps):
            yield fault("taps", f"every tap is one convolution {where}", rank=1, taps=shifted)
    # conv4_1 as the fourth convolution of the network.
    counted = {tap: _CONVS[int(tap[4]) - 1].replace("conv", tap[:4]) for tap in taps if not tap.startswith("pool")}
    yield fault("taps", "a tap's block is taken for the running number of its convolution", rank=1, taps=counted)
    style = case.problem.recipe.style_taps
    before, after = (style[:1] + style)[: len(style)], (style + style[-1:])[1:]
    for others, where, end in ((before, "before", "first"), (after, "after", "last")):
        listed = {tap: other for tap, other in zip(style, others, strict=True) if tap != other}
        if len(listed) > 1:
            yield fault("taps", f"each style tap but the {end} is the tap {where} it in the list", rank=1, taps=listed)
    for tap in taps:
        for layer in filter(None, (_shifted(tap, steps) for steps in (1, -1, 2, -2, 3, -3))):
            yield fault("taps", f"{tap} is {layer}", rank=1, taps={tap: layer})
