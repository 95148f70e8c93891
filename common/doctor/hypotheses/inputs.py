"""The traps before the network: picture files, resizing, saving, weights, channels, means, ranges, memory layouts."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import get_args

from common.doctor.hypotheses.trap import Fault, Trap, fault
from common.oracle import COMMON, PILLOWS, Case, Orientation, described, differ_in_unit_alone, weights
from common.vgg19 import cut

_ROLES = {("content", "style"): "both pictures", ("content",): "content", ("style",): "style"}


def _in_pictures(*faults: Fault) -> Iterator[Fault]:
    """The faults in both pictures, then in one of them."""
    for rank, (roles, whose) in enumerate(_ROLES.items()):
        for each in faults:
            yield replace(each, detail=f"{whose}: {each.detail}", changes={**each.changes, "roles": roles}, rank=rank)


def _on_either_side(case: Case, *faults: Fault) -> Iterator[Fault]:
    """Each fault between the variable and the network and, where the variable is preprocessed, in the variable."""
    in_variable = differ_in_unit_alone(case.problem.recipe.pixel_space, case.problem.network.weights.preprocessing)
    for each in faults:
        yield each
        if in_variable:
            detail = f"{each.detail} (already in the optimized variable)"
            yield replace(each, detail=detail, changes={**each.changes, "in_pixels": True})


@Trap(
    34,
    "the orientation, transparency or palette of the image file is ignored or misread",
    fix="apply the EXIF orientation, lay transparency over white, and convert to RGB",
    seen_in="phone photographs, PNGs",
)
def _misread(_: Case) -> Iterator[Fault]:
    yield from _in_pictures(
        *(fault("file", orientation, orientation=orientation) for orientation in get_args(Orientation)[1:]),
        fault("file", "transparency is over black, not laid over white", transparency="over black"),
        fault("file", "transparency is ignored, not laid over white", transparency="ignored"),
        fault("file", "palette indices are taken for gray levels", palette_indices=True),
    )


@Trap(
    24,
    "the picture is resized by another filter, or rounded to 8 bits after resizing",
    fix="pass the resized pixels to the port, or use the reference's filter, antialiased Lanczos in floating point",
    seen_in="every library has its own default filter",
)
def _resized_otherwise(case: Case) -> Iterator[Fault]:
    for names in _with_the_same_weights(case, COMMON):
        if "lanczos" not in names:
            yield fault("resize", f"resized by {' or '.join(map(described, names))}", filter=names[0])
    # Nearest neighbours leave the values as they are.
    rounded = [name for name in COMMON if not name.startswith("nearest")]
    for name in (name for name in rounded if name in PILLOWS):
        detail = f"resized by {name} (Pillow's {name.upper()}), rounded to 8 bits"
        yield fault("resize", detail, filter=name, eight_bits=True)
    for names in _with_the_same_weights(case, (name for name in rounded if name not in PILLOWS)):
        detail = f"resized by {' or '.join(map(described, names))}, rounded to 8 bits"
        yield fault("resize", detail, filter=names[0], eight_bits=True)


def _with_the_same_weights(case: Case, names: Iterable[str]) -> Iterable[list[str]]:
    """Filters, those together that do the same at the sizes of the pictures."""
    pictures = ((case.content, case.problem.content), (case.style, case.problem.style))
    sizes = [pair for old, new in pictures for pair in zip(old.decoded.shape[:2], new.shape[:2], strict=True)]
    alike: dict[tuple[bytes, ...], list[str]] = {}
    for name in names:
        alike.setdefault(tuple(weights(name, old, new).tobytes() for old, new in sizes), []).append(name)
    return alike.values()


@Trap(
    33,
    "the picture is saved with its contrast stretched, or truncated instead of rounded",
    fix="clip to [0, 1], multiply by 255 and round",
    seen_in="the blog post with PyTorch code; Keras",
)
def _saved_otherwise(_: Case) -> Iterator[Fault]:
    for saved in ("truncated", "stretched", "stretched, truncated"):
        yield fault("saved", saved, saved=saved)


@Trap(
    35,
    "the weights are used in their own unit, but the recipe's loss weights are tuned for the other family's",
    fix="divide (or multiply) the input and all biases by 57.63, the mean of 255 times ImageNet's standard deviations",
    seen_in="the d2l chapter's loss weights on Oxford's network",
)
def _own_unit(case: Case) -> Iterator[Fault]:
    weights = case.problem.weights
    if weights.family != case.problem.recipe.family:
        detail = f"the weights are used as they are, in the unit of the family {weights.family}"
        yield fault("input", detail, own_unit="input and biases")
        unit = f"in the unit of the family {weights.family}"
        yield fault("input", f"the input is {unit}, and the biases are in the recipe's", own_unit="input")
        yield fault("input", f"the biases are {unit}, and the input is in the recipe's", own_unit="biases")


def _kernels(case: Case, *forms: str) -> Iterator[Fault]:
    """Every kernel in one of some forms, then the kernel of a single layer."""
    for form in forms:
        yield fault("network", f"the kernels are {form}", kernels=form, only_layer=None)
    convs = [layer.name for layer in cut(case.problem.recipe.taps) if layer.kind == "conv"]
    for (rank, name), form in product(enumerate(convs, start=2), forms):
        yield fault("network", f"the kernel of {name} alone is {form}", rank, kernels=form, only_layer=name)


@Trap(
    6,
    "the kernels were reordered by reshape instead of transpose",
    fix="HWIO to OIHW is transpose(3, 2, 0, 1), and back transpose(2, 3, 1, 0); a reshape keeps the order in memory",
    seen_in="converted checkpoints",
)
def _reshaped_kernels(case: Case) -> Iterator[Fault]:
    return _kernels(case, "HWIO read as OIHW", "OIHW read as HWIO")


@Trap(
    7,
    "the kernels are transposed or flipped in space",
    fix="keep height before width and do not flip: the frameworks compute cross-correlations, not convolutions",
    seen_in="conversions from MatConvNet and Theano",
)
def _turned_kernels(case: Case) -> Iterator[Fault]:
    return _kernels(case, "transposed in space", "flipped")


OTHER_TRAINING = Trap(
    16,
    "the weights come from another training of the network",
    fix="load the same file on both sides (compare its sha256), with the preprocessing that belongs to it",
    seen_in="default weights of torchvision against those of Keras",
)


@Trap(
    1,
    "red and blue are exchanged at the network's input",
    fix="Oxford's weights expect BGR and torchvision's RGB: reverse the channels exactly once, or not at all",
    seen_in="ports of Caffe models; pictures read by OpenCV",
)
def _red_and_blue(case: Case) -> Iterator[Fault]:
    yield from _in_pictures(fault("file", "decoded as BGR where RGB is expected", bgr_decoded=True))
    yield from _on_either_side(
        case,
        fault("input", "the channels are not brought into the checkpoint's order", unordered=True),
        fault("input", "the picture's channels are BGR where RGB is expected", bgr_file=True),
    )
    detail = "the input channels of conv1_1's kernel are in reverse order"
    yield fault("network", detail, kernels="flipped in inputs", only_layer="conv1_1")


@Trap(
    2,
    "the channel means are exchanged (red's is subtracted from blue) or left out",
    fix="subtract 123.68 from red, 116.779 from green, 103.939 from blue (torchvision: 0.485, 0.456, 0.406)",
    seen_in="the Keras notebook",
)
def _wrong_means(case: Case) -> Iterator[Fault]:
    exchanged = fault("input", "the means of red and blue are exchanged", means="exchanged")
    return _on_either_side(case, exchanged, fault("input", "no means are subtracted", means="left out"))


@Trap(
    3,
    "RGB has the wrong range before the means are subtracted",
    fix="bring RGB to 0..255 for Oxford's weights (times 255, not 256) and to 0..1 for torchvision's",
    seen_in="jcjohnson/neural-style (256)",
)
def _ranges(case: Case) -> Iterator[Fault]:
    of_255 = case.problem.network.weights.preprocessing.scale == 255
    scales = {"256/255": 256 / 255, "1/255": 1 / 255} if of_255 else {"255": 255.0, "255/256": 255 / 256, "256": 256.0}
    for name, scale in scales.items():
        detail = f"RGB is {name} times what it should be before the means are subtracted"
        yield from _on_either_side(case, fault("input", detail, scale=scale))


@Trap(
    4,
    "ImageNet's standard deviations are left out, or applied to weights that were trained without them",
    fix="divide by the standard deviations for torchvision's weights, and only for those",
    seen_in="gordicaleksa/pytorch-neural-style-transfer",
)
def _deviations(case: Case) -> Iterator[Fault]:
    details = {
        "forgotten": "not divided by the standard deviations",
        "forgotten, in 0..255": "not divided by the standard deviations, and in 0..255",
    }
    if case.problem.network.weights.preprocessing.scale == 255:
        details = {
            "ImageNet's of 255": "divided by 255 times ImageNet's standard deviations",
            "ImageNet's of 1": "divided by ImageNet's standard deviations",
        }
    return _on_either_side(case, *(fault("input", detail, std=std) for std, detail in details.items()))


@Trap(
    5,
    "the preprocessing is applied twice, in whole or in part",
    fix="preprocess a copy: keras.applications' preprocess_input changes a float array in place",
    seen_in="Keras users",
)
def _repeated(case: Case) -> Iterator[Fault]:
    details = {"with the channels": "applied twice, with the order of the channels"}
    if case.problem.network.weights.preprocessing.bgr:
        details["without the channels"] = "applied twice, but the channels are reversed once"
    details["the means alone"] = "the means are subtracted twice"
    return _on_either_side(case, *(fault("input", detail, repeated=part) for part, detail in details.items()))


@Trap(
    8,
    "the picture is converted between NCHW and NHWC by reshape instead of transpose",
    fix="transpose it: numpy.moveaxis(x, 0, -1) or back",
    seen_in="hand-written loaders",
)
def _reshaped(case: Case) -> Iterator[Fault]:
    for how in ("NCHW read as NHWC", "NHWC read as NCHW"):
        yield from _on_either_side(case, fault("input", f"{how}, without a transpose", scrambled=how))
