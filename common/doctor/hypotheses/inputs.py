"""The traps between RGB and the network's input: channels, means, ranges, and what the optimised variable is."""

from dataclasses import replace

from common.doctor.reference import Case, Made, differ_in_unit_alone
from common.vgg19 import CAFFE, IMAGENET, UNIT, Preprocessing


def input_changes(case: Case) -> Made:
    """Trap, changes and words."""
    if case.problem.weights.family != case.problem.recipe.family:
        yield 35, {"own_unit": True}, f"the weights as they are, of the family {case.problem.weights.family}"
    preprocessing = case.network.weights.preprocessing
    for trap, changes, words in _of_preprocessing(preprocessing):
        yield trap, changes, words
        if differ_in_unit_alone(case.problem.recipe.pixel_space, preprocessing):
            yield trap, {**changes, "in_pixels": True}, f"{words} (already in the optimised variable)"
    yield from _of_variables(case.problem.recipe.pixel_space)


def _of_variables(right: Preprocessing) -> Made:
    spaces = {
        "RGB in 0..1": UNIT,
        "RGB in 0..255": UNIT.divided_by(1 / 255),
        "RGB over ImageNet's mean and deviations": IMAGENET,
        "BGR in 0..255 minus Oxford's means": CAFFE,
        "RGB in 0..255 minus Oxford's means": replace(CAFFE, bgr=False),
        "RGB in 0..255 minus ImageNet's means": replace(IMAGENET, std=(1 / 255,) * 3),
    }
    for words, space in spaces.items():
        if space != right:
            yield 26, {"space": space}, f"the optimised variable is {words}"


def _of_preprocessing(preprocessing: Preprocessing) -> Made:
    yield 1, {"unordered": True}, "the channels are not brought into the checkpoint's order"
    yield 1, {"bgr_file": True}, "the picture's channels are BGR where RGB is expected"
    yield 2, {"swapped_means": True}, "the means of red and blue are exchanged"
    of_255 = preprocessing.scale == 255
    scales = {"256/255": 256 / 255, "1/255": 1 / 255} if of_255 else {"255": 255.0, "255/256": 255 / 256, "256": 256.0}
    for name, scale in scales.items():
        yield 3, {"scale": scale}, f"RGB is {name} times what it should be before the means are subtracted"
    if not of_255:
        yield 4, {"std": "forgotten"}, "the standard deviations are left out"
        yield 4, {"std": "forgotten, in 0..255"}, "the standard deviations are left out, in 0..255"
    else:
        yield 4, {"std": "ImageNet's of 255"}, "divided by 255 times ImageNet's standard deviations"
        yield 4, {"std": "ImageNet's of 1"}, "divided by ImageNet's standard deviations"
    yield 5, {"repeated": "with the channels"}, "applied twice, the order of channels too"
    if preprocessing.bgr:
        yield 5, {"repeated": "without the channels"}, "applied twice, the order of channels once"
    yield 5, {"repeated": "the means alone"}, "the means are subtracted twice"
    for scrambled in ("NCHW read as NHWC", "NHWC read as NCHW"):
        yield 8, {"scrambled": scrambled}, f"{scrambled}, without a transpose"
