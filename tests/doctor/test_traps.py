"""The traps: every one is whole, is tried, and says what belongs to it and to no other trap.

The words are held by what has to be in them, written from the list of traps and not from the code: of each trap the
title, the fix, where it was seen, and the detail of every fault.
"""

import re
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import pytest

from common import RECIPES
from common.doctor.hypotheses import TRAPS, Trap, hypotheses, inputs, losses, network, optimizers
from common.oracle import RIGHT, Variant, random_case
from common.recipes import lbfgs_of
from common.tensors import STAGES, TensorName, tensor_names
from common.vgg19 import IMAGENET
from common.vgg19.weights import random_weights

HARMLESS = {31, 32}
REVERSED = "flipped in inputs"  # the kernel of conv1_1, in its input channels
RECOGNISED_OTHERWISE = {16, 31}  # by a fit, and by decisions

# Patterns by trap: title, fix, seen in, details. Each of the first two is in the text of one trap alone.
WORDS = {
    1: ("red and blue", "BGR.*RGB|reverse the channels", "Caffe|OpenCV", "channels|BGR"),
    2: ("channel means", r"123\.68.*red.*103\.939.*blue", "Keras notebook", "means of red and blue|no means"),
    3: ("wrong range", r"times 255, not 256", "jcjohnson", r"RGB is \S+ times what it should be"),
    4: ("standard deviations", "standard deviations.*only", "gordicaleksa", "divided by .*standard deviations"),
    5: ("preprocessing is applied twice", "preprocess a copy", "Keras", "twice"),
    6: ("kernels.*reshape", r"transpose\(3, 2, 0, 1\)", "converted", "HWIO read as OIHW|OIHW read as HWIO"),
    7: ("kernels.*(transposed|flipped) in space", "do not flip", "MatConvNet", "flipped|transposed in space"),
    8: ("picture.*NCHW.*NHWC.*reshape", "moveaxis", "loaders", "NCHW read as NHWC|NHWC read as NCHW"),
    9: ("^taps.*other side", "convB_I is before the ReLU, reluB_I after", "tabs", r"ReLU|(conv|relu)\d_\d is "),
    10: ("deepest.*other side", "take every tap on the side", "PyTorch tab", r"(conv|relu)\d_\d is (conv|relu)\d_\d"),
    11: ("another layer", "running number", "conv_4 is conv2_2", "convolution|is (conv|relu|pool)|in the list$"),
    12: ("average where.*max", "pooling that the recipe names", "papers", "max|average"),
    13: ("pooled values.*factor", "rescale", "crowsonkb", "pooled values are multiplied by"),
    14: ("odd sizes up", "VALID.*ceil_mode=False", "SAME", "last row and column"),
    15: ("pad the border", "pad with zeros", "AdaIN", "padding"),
    16: ("another training", "sha256", "torchvision against", ""),
    17: ("biases", "load the biases", "converters", "bias"),
    18: ("Gram matrix is normalised", r"divide F\^T F by.*M\b", "every code", r"F\^T F"),
    19: ("over positions", r"\(C, C\)", "NHWC ports", r"F F\^T"),
    20: ("term has another factor", "factor out of the term", "Gatys", "terms"),
    21: ("number of taps", "divide the sum over taps", "cysmith", "L = .* taps"),
    22: ("style target.*another size", "both pictures to one size", "thumbnail", "style picture is not resized|M_s"),
    23: ("total variation has", "form.*absolute, squared", "every code", "differences|no total variation"),
    24: ("resized by another filter", "resized pixels.*Lanczos", "library", "resized by"),
    25: ("epsilon", r"eps_torch = eps_keras / sqrt\(1 - beta2\^t\)", "PyTorch against Keras", "epsilon is"),
    26: ("another pixel space, or the learning rate", "recipe's pixel space; a learning rate", "ports of neural-style",
         "optimized variable is|learning rate"),
    27: ("gradient is flattened", "flatten both in one order", "L-BFGS ports", "channel, height, width"),
    28: ("stops early", "factr=0", "cysmith", "stops by factr"),
    29: ("restarts", "maxfun=20", "Keras notebook", "restart"),
    30: ("clamped inside the closure", "clamp after", "PyTorch tutorial", "clamped"),
    31: ("sign at a ReLU", "compare in float64", "every pair", ""),
    32: ("TF32, bfloat16 or float16", "switch TF32 off", "Ampere", "TF32|bfloat16|float16"),
    33: ("is saved", "clip to.*round", "blog post|Keras", "truncated|stretched"),
    34: ("orientation, transparency or palette", "EXIF.*white.*RGB", "phone",
         "turned|upside|mirrored|flipped|transposed|transversed|transparency|palette"),
    35: ("own unit", r"57\.63.*mean of 255 times", "d2l", "unit of the family"),
}  # fmt: skip


def cases():
    """All recipes on weights of both families, with style pictures of the recipe's size and of the content's."""
    caffe = random_weights(0)
    families = {"caffe": caffe, "imagenet": replace(caffe, family="imagenet", preprocessing=IMAGENET)}
    for family, trained in families.items():
        for name, recipe in RECIPES.items():
            for size in (recipe.style_size, "content"):
                yield f"{family} {name} {size}", random_case(3, replace(recipe, style_size=size), trained)


CASES = dict(cases())
TRIED = {name: hypotheses(case) for name, case in CASES.items()}
ALL_TRIED = [hypothesis for tried in TRIED.values() for hypothesis in tried]


def test_the_numbers_are_complete():
    assert list(TRAPS) == list(range(1, 36)) == list(WORDS)
    assert all(number == trap.number for number, trap in TRAPS.items())


def test_no_trap_hides_another_of_its_number():
    files = (inputs, network, losses, optimizers)
    defined = [it.number for file in files for it in vars(file).values() if isinstance(it, Trap)]
    assert sorted(defined) == list(TRAPS)


@pytest.mark.parametrize("number", TRAPS)
def test_every_trap_has_a_title_a_fix_and_a_place(number):
    trap = TRAPS[number]
    for text in (trap.title, trap.fix, trap.seen_in):
        assert text.strip() == text != ""
        assert not text.endswith(".")
    assert trap.harmless == (number in HARMLESS) == trap.title.startswith("no bug")


@pytest.mark.parametrize("number", TRAPS)
@pytest.mark.parametrize("part", ["title", "fix"])
def test_a_title_and_a_fix_are_those_of_their_trap(number, part):
    pattern = WORDS[number][0 if part == "title" else 1]
    assert [other.number for other in TRAPS.values() if re.search(pattern, getattr(other, part))] == [number]


@pytest.mark.parametrize("number", TRAPS)
def test_where_a_trap_was_seen(number):
    assert re.search(WORDS[number][2], TRAPS[number].seen_in)


def test_every_trap_is_tried_or_recognised_otherwise():
    assert {hypothesis.trap for hypothesis in ALL_TRIED} == set(TRAPS) - RECOGNISED_OTHERWISE


@pytest.mark.parametrize("number", sorted(set(TRAPS) - RECOGNISED_OTHERWISE))
def test_the_details_are_those_of_their_trap(number):
    details = {hypothesis.detail for hypothesis in ALL_TRIED if hypothesis.trap == number}
    assert [detail for detail in details if not re.search(WORDS[number][3], detail)] == []


@pytest.mark.parametrize("name", TRIED)
def test_no_detail_of_a_trap_is_said_of_two_faults(name):
    """But of the total variation's spaces where it is left out."""
    counted = Counter((it.trap, it.stage, it.detail) for it in TRIED[name] if "no total variation" not in it.detail)
    assert [key for key, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("name", TRIED)
def test_stages_are_tried_in_order_and_every_fault_changes_the_reference(name):
    stages = [STAGES.index(hypothesis.stage) for hypothesis in TRIED[name]]
    assert stages == sorted(stages)
    known = {field.name for field in fields(Variant)}
    assert all(set(hypothesis.changes) <= known for hypothesis in TRIED[name])
    assert all(RIGHT.changed(hypothesis.changes) is not None for hypothesis in TRIED[name])


@pytest.mark.parametrize("name", TRIED)
def test_the_whole_network_is_tried_before_a_single_layer(name):
    """conv1_1 with its inputs reversed is a way to exchange red and blue, and is tried among the first."""
    of_layers = [
        it.layer is not None for it in TRIED[name] if it.stage == "network" and it.changes.get("kernels") != REVERSED
    ]
    assert of_layers == sorted(of_layers)


VALUES_SAID = ("filter", "saved", "padding", "orientation", "kernels", "scrambled", "transparency")


@pytest.mark.parametrize("field", VALUES_SAID)
def test_a_detail_names_its_value(field):
    tried = [it for it in ALL_TRIED if field in it.changes and it.changes[field] != REVERSED]
    assert tried
    for hypothesis in tried:
        assert re.search(rf"(^|\W){re.escape(hypothesis.changes[field])}(\W|$)", hypothesis.detail)


@pytest.mark.parametrize(
    ("number", "field", "value", "words"),
    [
        (1, "bgr_decoded", True, "decoded as BGR"),
        (1, "unordered", True, "not brought into the checkpoint's order"),
        (1, "bgr_file", True, "the picture's channels are BGR"),
        (1, "kernels", REVERSED, "conv1_1's kernel are in reverse order"),
        (3, "scale", 255.0, "RGB is 255 times"),
        (3, "scale", 1 / 255, "RGB is 1/255 times"),
        (3, "scale", 256 / 255, "RGB is 256/255 times"),
        (4, "std", "forgotten", "^not divided by the standard deviations( \\(already in the optimized variable\\))?$"),
        (4, "std", "forgotten, in 0..255", "^not divided by the standard deviations, and in 0..255"),
        (4, "std", "ImageNet's of 255", "^divided by 255 times ImageNet's"),
        (4, "std", "ImageNet's of 1", "^divided by ImageNet's"),
        (5, "repeated", "with the channels", "applied twice, with the order"),
        (5, "repeated", "without the channels", "applied twice, but the channels are reversed once"),
        (5, "repeated", "the means alone", "the means are subtracted twice"),
        (13, "pool_scale", 2.0, "multiplied by 2$"),
        (13, "pool_scale", 0.25, "multiplied by 0.25$"),
        (17, "dropped_bias", "all", "no convolution has its bias"),
        (17, "dropped_bias", "conv2_1", "conv2_1 has no bias"),
        (18, "gram_norm", "none", "F\\^T F not divided by M, where M is asked for$"),
        (18, "gram_norm", "M C", "F\\^T F divided by M C, where M is asked for$"),
        (18, "gram_norm", "C", "F\\^T F divided by C, where M is asked for$"),
        (18, "gram_handed", "C", "F\\^T F divided by C, .*the loss allows for it"),
        (24, "eight_bits", True, "rounded to 8 bits"),
        (25, "epsilon_hat", True, "before the bias correction"),
        (25, "epsilon_hat", False, "after the bias correction"),
        (25, "epsilon", 1e-3, "epsilon is 0.001"),
        (26, "rate_scale", 255.0, "^255 times the learning rate"),
        (26, "rate_scale", 1 / 255, "^1/255 times the learning rate"),
        (28, "factr", 1e9, r"factr=1e\+09"),
        (32, "arithmetic", "tf32", "TF32, with 10 bits|^only the inputs.* rounded to TF32$"),
        (32, "arithmetic", "bfloat16", "bfloat16, with 7 bits|^only the inputs.* rounded to bfloat16$"),
        (32, "arithmetic_of", "inputs", "^only the inputs of the convolutions are rounded"),
        (32, "bias_apart", True, "once more before the bias"),
        (34, "palette_indices", True, "palette indices"),
        (23, "tv_space", "of 255", "in 0..255|no total variation"),
        (23, "tv_space", "of 1", "in 0..1|no total variation"),
        (23, "tv_space", "normalised", "normalised pixels|no total variation"),
        (23, "tv_form", "mean_abs", "mean of absolute"),
        (23, "tv_form", "sum_abs", "sum of absolute"),
        (23, "tv_form", "mean_squares", "mean of squared differences"),
        (23, "tv_form", "sum_squares", r"sum of squared differences(?! to the power)"),
        (23, "tv_form", "power", "power 1.25"),
        (34, "roles", ("content",), "^content: "),
        (34, "roles", ("style",), "^style: "),
        (34, "roles", ("content", "style"), "^both pictures: "),
    ],
)
def test_a_detail_says_what_its_fault_changes(number, field, value, words):
    tried = [it for it in ALL_TRIED if it.trap == number and it.changes.get(field) == value]
    assert tried
    assert [hypothesis.detail for hypothesis in tried if not re.search(words, hypothesis.detail)] == []


def test_a_fault_in_the_variable_is_said():
    tried = [it for it in ALL_TRIED if "preprocess" not in it.detail and it.stage == "input"]
    assert any("in_pixels" in it.changes for it in tried)
    assert all(("already in the optimized variable" in it.detail) == ("in_pixels" in it.changes) for it in tried)


def test_moved_taps_are_named():
    single = [it for it in ALL_TRIED if len(it.changes.get("taps", {})) == 1]
    for hypothesis in single:
        ((tap, layer),) = hypothesis.changes["taps"].items()
        named = f"{tap} is {layer}"
        assert hypothesis.detail == named or " ReLU" in hypothesis.detail or "running number" in hypothesis.detail


@pytest.mark.parametrize("name", TRIED)
def test_what_depends_on_the_recipe_is_said_of_the_right_recipe(name):
    """A title, a fix and a detail do not contradict each other: which pooling, and who restarts."""
    recipe = CASES[name].problem.recipe
    pooling = next(it.detail for it in TRIED[name] if it.trap == 12)
    assert pooling.endswith(f"where the recipe says {recipe.pooling}")
    assert not pooling.startswith(recipe.pooling)
    restarts = next(it for it in TRIED[name] if it.trap == 29)
    wanted = lbfgs_of(CASES[name].problem.recipe).maxfun
    if wanted is None:
        assert restarts.detail == "restarted after every 20 evaluations, where the recipe never restarts"
        assert restarts.changes == {"maxfun": 20}
    else:
        assert restarts.detail == f"never restarted, where the recipe restarts after every {wanted} evaluations"
        assert restarts.changes["maxfun"] > 1000
    assert ("keras-notebook" in name) == (wanted == 20)


@pytest.mark.parametrize("name", TRIED)
def test_factors_are_those_that_are_said(name):
    count = len(CASES[name].problem.coefficients.style)
    of_taps = {it.detail.split()[0]: it.changes["term_scale"]["style"] for it in TRIED[name] if it.trap == 21}
    assert of_taps == pytest.approx({"1/L": 1 / count, "L": count, "1/L^2": 1 / count**2})
    assert all(it.detail.endswith(f"with L = {count} taps") for it in TRIED[name] if it.trap == 21)
    said = {"1/2": 0.5, "2": 2, "1/4": 0.25, "4": 4}
    for hypothesis in (it for it in TRIED[name] if it.trap == 20 and " times the " in it.detail):
        factor, kind = re.fullmatch(r"(\S+) times the (\w+) terms", hypothesis.detail).groups()
        assert hypothesis.changes["term_scale"] == {kind: said[factor]}


def test_sums_and_means_are_not_exchanged():
    tried = [it for it in ALL_TRIED if it.trap == 20 and " over " in it.detail]
    where = ("C^2 in the style", "M C in the content")
    details = {f"{sum_} over {it} terms" for sum_ in ("a sum", "a mean") for it in where}
    details |= {f"{it}, and {times}" for it in details if "content" in it for times in ("2 times that", "half of that")}
    assert {it.detail for it in tried} == details
    for hypothesis in tried:
        factors = hypothesis.changes["term_scale"]
        assert all(name.startswith("style" if "style" in hypothesis.detail else "content") for name in factors)
        assert all((factor > 1) == hypothesis.detail.startswith("a sum") for factor in factors.values())


def test_targets_of_another_size_are_said_to_be_so():
    tried = [it for it in ALL_TRIED if it.trap == 22 and it.stage == "gram"]
    assert tried
    for hypothesis in tried:
        assert ("own_style_size" in hypothesis.changes) == ("the picture has" in hypothesis.detail)
        assert ("term_scale" in hypothesis.changes) == ("factors of the terms" in hypothesis.detail)
        if "own_style_size" in hypothesis.changes:
            assert ("its own size" in hypothesis.detail) == hypothesis.changes["own_style_size"]


def test_the_documentation_lists_the_traps():
    page = (Path(__file__).resolve().parents[2] / "docs/port-doctor.md").read_text()
    for trap in TRAPS.values():
        cells = (text.replace("|", r"\|") for text in (trap.title, trap.fix, trap.seen_in))
        assert f"| {trap.number} | {' | '.join(cells)} |\n" in page


def test_every_tensor_has_a_stage():
    for case in CASES.values():
        assert {TensorName.parse(name).stage for name in tensor_names(case.problem)} <= set(STAGES)
