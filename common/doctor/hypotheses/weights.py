"""The traps of loading weights: their unit, their training, and the memory layout of kernels."""

from collections.abc import Iterator

from common.doctor.hypotheses.trap import Fault, Faults, Trap
from common.doctor.reference import Case
from common.vgg19 import cut


def _own_unit(case: Case) -> Iterator[Fault]:
    weights = case.problem.weights
    if weights.family != case.problem.recipe.family:
        yield Fault({"own_unit": True}, f"the weights are used as they are, in the unit of the family {weights.family}")


OWN_UNIT = Trap(
    number=35,
    title="the weights are used in their own unit, but the recipe's loss weights are tuned for the other family's",
    fix="divide (or multiply) the input and all biases by 57.63, the mean of 255 times ImageNet's standard deviations",
    seen_in="the d2l chapter's loss weights on Oxford's network",
    faults={"input": _own_unit},
)


def _kernels_in_forms(*forms: str) -> Faults:
    """Every kernel in one of some forms, then the kernel of a single layer."""

    def faults(case: Case) -> Iterator[Fault]:
        for form in forms:
            yield Fault({"kernels": form, "only_layer": None}, f"the kernels are {form}")
        convs = [layer.name for layer in cut(case.problem.recipe.taps) if layer.kind == "conv"]
        for rank, name in enumerate(convs, start=2):
            for form in forms:
                detail = f"the kernel of {name} alone is {form}"
                yield Fault({"kernels": form, "only_layer": name}, detail, rank)

    return faults


RESHAPED_KERNELS = Trap(
    number=6,
    title="the kernels were reordered by reshape instead of transpose",
    fix="HWIO to OIHW is transpose(3, 2, 0, 1), and back transpose(2, 3, 1, 0); a reshape keeps the order in memory",
    seen_in="converted checkpoints",
    faults={"network": _kernels_in_forms("HWIO read as OIHW", "OIHW read as HWIO")},
)

TURNED_KERNELS = Trap(
    number=7,
    title="the kernels are transposed or flipped in space",
    fix="keep height before width and do not flip: the frameworks compute cross-correlations, not convolutions",
    seen_in="conversions from MatConvNet and Theano",
    faults={"network": _kernels_in_forms("transposed in space", "flipped")},
)

OTHER_TRAINING = Trap(
    number=16,
    title="the weights come from another training of the network",
    fix="load the same file on both sides (compare its sha256), with the preprocessing that belongs to it",
    seen_in="default weights of torchvision against those of Keras",
)
