"""The traps of the network itself: pooling, borders, biases, arithmetic."""

from collections.abc import Iterator

from common.doctor.hypotheses.trap import Fault, Trap
from common.doctor.reference import ALL, Case
from common.vgg19 import Layer, cut


def _layers(case: Case, kind: str) -> list[Layer]:
    return [layer for layer in cut(case.problem.recipe.taps) if layer.kind == kind]


def _other_pooling(case: Case) -> Iterator[Fault]:
    if _layers(case, "pool"):
        is_average = case.problem.recipe.pooling == "average"
        detail = "max, where the recipe says average" if is_average else "average, where the recipe says max"
        yield Fault({"other_pooling": True}, detail)


OTHER_POOLING = Trap(
    number=12,
    title="the pooling is average where the recipe says max, or the reverse",
    fix="use the pooling that the recipe names",
    seen_in="papers against their codes",
    faults={"network": _other_pooling},
)


def _scaled_pools(case: Case) -> Iterator[Fault]:
    if _layers(case, "pool"):
        for factor in (2.0, 0.5, 4.0, 0.25):
            yield Fault({"pool_scale": factor}, f"the pooled values are multiplied by {factor:g}")


SCALED_POOLS = Trap(
    number=13,
    title="the pooled values are multiplied by a factor",
    fix="do not rescale after pooling",
    seen_in="crowsonkb/style-transfer-pytorch",
    faults={"network": _scaled_pools},
)


def _ceil_pooling(case: Case) -> Iterator[Fault]:
    if _layers(case, "pool"):
        yield Fault({"ceil_pooling": True}, "the last row and column of an odd size are windows of their own")


CEIL_POOLING = Trap(
    number=14,
    title="pooling rounds odd sizes up",
    fix="round down: VALID padding in TensorFlow, ceil_mode=False in PyTorch",
    seen_in="TensorFlow ports with SAME padding; Caffe",
    faults={"network": _ceil_pooling},
)


def _paddings(_: Case) -> Iterator[Fault]:
    for padding in ("replicate", "reflect"):
        yield Fault({"padding": padding}, f"{padding} padding")


OTHER_PADDING = Trap(
    number=15,
    title="the convolutions do not pad the border with zeros",
    fix="pad with zeros, as when the network was trained",
    seen_in="crowsonkb/style-transfer-pytorch; AdaIN",
    faults={"network": _paddings},
)


def _dropped_biases(case: Case) -> Iterator[Fault]:
    yield Fault({"dropped_bias": ALL}, "no convolution has its bias")
    for layer in _layers(case, "conv"):
        yield Fault({"dropped_bias": layer.name}, f"{layer.name} has no bias", rank=1)


DROPPED_BIASES = Trap(
    number=17,
    title="biases are left out",
    fix="load the biases, too",
    seen_in="hand-written converters",
    faults={"network": _dropped_biases},
)


def _low_precisions(_: Case) -> Iterator[Fault]:
    yield Fault({"arithmetic": "tf32"}, "TF32, with 10 bits of fraction")
    for name, bits in (("bfloat16", 7), ("float16", 10)):
        words = f"{name}, with {bits} bits of fraction"
        yield Fault({"arithmetic": name}, words)
        yield Fault({"arithmetic": name, "bias_apart": True}, f"{words}, rounded once more before the bias is added")


LOW_PRECISION = Trap(
    number=32,
    title="no bug of the port: the layers are computed in TF32, bfloat16 or float16",
    fix="switch TF32 off (torch.backends.cudnn.allow_tf32, enable_tensor_float_32_execution), or accept its tolerance",
    seen_in="GPUs since Ampere",
    faults={"network": _low_precisions},
    harmless=True,
)

TURNED_DECISIONS = Trap(
    number=31,
    title="no bug: rounding changed the sign at a ReLU or between equal neighbours, or the choice in a max-pool window",
    fix="nothing: compare in float64, or with average pooling; |x| of the total variation may have any slope at 0",
    seen_in="every pair of frameworks",
    harmless=True,
)
