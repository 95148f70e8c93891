"""The traps between RGB and the network's input: channels, means, ranges, memory layouts."""

from collections.abc import Iterator

from common.doctor.hypotheses.pictures import for_each_picture
from common.doctor.hypotheses.trap import Fault, Faults, Trap
from common.doctor.reference import Case, differ_in_unit_alone


def _on_either_side(faults: Faults) -> Faults:
    """Each fault between the variable and the network and, where the variable is preprocessed, in the variable."""

    def on_either_side(case: Case) -> Iterator[Fault]:
        in_variable = differ_in_unit_alone(case.problem.recipe.pixel_space, case.problem.network.weights.preprocessing)
        for fault in faults(case):
            yield fault
            if in_variable:
                changes = {**fault.changes, "in_pixels": True}
                yield Fault(changes, f"{fault.detail} (already in the optimized variable)")

    return on_either_side


@_on_either_side
def _bgr_inputs(_: Case) -> Iterator[Fault]:
    yield Fault({"unordered": True}, "the channels are not brought into the checkpoint's order")
    yield Fault({"bgr_file": True}, "the picture's channels are BGR where RGB is expected")


@for_each_picture
def _bgr_files(_: Case) -> Iterator[Fault]:
    yield Fault({"bgr_decoded": True}, "decoded as BGR where RGB is expected")


def _bgr_kernel(_: Case) -> Iterator[Fault]:
    changes = {"kernels": "flipped in inputs", "only_layer": "conv1_1"}
    yield Fault(changes, "the input channels of conv1_1's kernel are in reverse order")


RED_AND_BLUE = Trap(
    number=1,
    title="red and blue are exchanged at the network's input",
    fix="Oxford's weights expect BGR and torchvision's RGB: reverse the channels exactly once, or not at all",
    seen_in="ports of Caffe models; pictures read by OpenCV",
    faults={"file": _bgr_files, "input": _bgr_inputs, "network": _bgr_kernel},
)


@_on_either_side
def _swapped_means(_: Case) -> Iterator[Fault]:
    yield Fault({"swapped_means": True}, "the means of red and blue are exchanged")


SWAPPED_MEANS = Trap(
    number=2,
    title="the channel means are exchanged: red's is subtracted from blue",
    fix="subtract 123.68 from red, 116.779 from green, 103.939 from blue (torchvision: 0.485, 0.456, 0.406)",
    seen_in="the Keras notebook",
    faults={"input": _swapped_means},
)


@_on_either_side
def _ranges(case: Case) -> Iterator[Fault]:
    of_255 = case.problem.network.weights.preprocessing.scale == 255
    scales = {"256/255": 256 / 255, "1/255": 1 / 255} if of_255 else {"255": 255.0, "255/256": 255 / 256, "256": 256.0}
    for name, scale in scales.items():
        yield Fault({"scale": scale}, f"RGB is {name} times what it should be before the means are subtracted")


WRONG_RANGE = Trap(
    number=3,
    title="RGB has the wrong range before the means are subtracted",
    fix="bring RGB to 0..255 for Oxford's weights (times 255, not 256) and to 0..1 for torchvision's",
    seen_in="jcjohnson/neural-style (256)",
    faults={"input": _ranges},
)


@_on_either_side
def _deviations(case: Case) -> Iterator[Fault]:
    if case.problem.network.weights.preprocessing.scale == 255:
        yield Fault({"std": "ImageNet's of 255"}, "divided by 255 times ImageNet's standard deviations")
        yield Fault({"std": "ImageNet's of 1"}, "divided by ImageNet's standard deviations")
    else:
        yield Fault({"std": "forgotten"}, "not divided by the standard deviations")
        yield Fault({"std": "forgotten, in 0..255"}, "not divided by the standard deviations, and in 0..255")


STANDARD_DEVIATIONS = Trap(
    number=4,
    title="ImageNet's standard deviations are left out, or applied to weights that were trained without them",
    fix="divide by the standard deviations for torchvision's weights, and only for those",
    seen_in="gordicaleksa/pytorch-neural-style-transfer",
    faults={"input": _deviations},
)


@_on_either_side
def _repeated(case: Case) -> Iterator[Fault]:
    yield Fault({"repeated": "with the channels"}, "applied twice, with the order of the channels")
    if case.problem.network.weights.preprocessing.bgr:
        yield Fault({"repeated": "without the channels"}, "applied twice, but the channels are reversed once")
    yield Fault({"repeated": "the means alone"}, "the means are subtracted twice")


PREPROCESSED_TWICE = Trap(
    number=5,
    title="the preprocessing is applied twice, in whole or in part",
    fix="preprocess a copy: keras.applications' preprocess_input changes a float array in place",
    seen_in="Keras users",
    faults={"input": _repeated},
)


@_on_either_side
def _reshaped(_: Case) -> Iterator[Fault]:
    for scrambled in ("NCHW read as NHWC", "NHWC read as NCHW"):
        yield Fault({"scrambled": scrambled}, f"{scrambled}, without a transpose")


RESHAPED_PICTURE = Trap(
    number=8,
    title="the picture is converted between NCHW and NHWC by reshape instead of transpose",
    fix="transpose it: numpy.moveaxis(x, 0, -1) or back",
    seen_in="hand-written loaders",
    faults={"input": _reshaped},
)
