"""What is said of a difference that no trap explains: clues, and sentences that are true of arrays made for them."""

from dataclasses import replace

import numpy as np
import pytest

from common.doctor.diagnosis.findings import NOTHING_FITS, Clue, Finding, Range, grouped
from common.doctor.diagnosis.report import finding_json, finding_lines
from common.doctor.diagnosis.sentences import KINDS
from common.doctor.diagnosis.unexplained import facts

GENERATOR = np.random.default_rng(0)
RIGHT = GENERATOR.normal(1, 1, (24, 20, 8))
ROWS, COLUMNS = np.mgrid[:24, :20]
WAVE = np.cos(2 * np.pi * ROWS / 24)[..., None]
BOARD = ((-1.0) ** (ROWS + COLUMNS))[..., None]
EDGE = np.pad(np.zeros((20, 16, 8)), ((2, 2), (2, 2), (0, 0)), constant_values=1.0)
NOT_A_NUMBER = np.where(RIGHT.max() - 1e-9 < RIGHT, np.nan, RIGHT)
ONE_OUTLIER = RIGHT + 10 * (np.arange(RIGHT.size).reshape(RIGHT.shape) == 7)


def clue_of(kind, got, expected=RIGHT):
    (clue,) = (clue for clue in facts(got, expected) if clue.kind == kind)
    return clue


@pytest.mark.parametrize(
    ("kind", "got", "values", "sentence"),
    [
        ("factor", 1.5 * RIGHT, {"factor": 1.5}, "it is 1.5 times what it should be, to"),
        ("best factor", RIGHT + 5, {}, "the best factor is"),
        ("offset", RIGHT + 0.25, {"offset": 0.25}, "it is what it should be plus 0.25, to"),
        (
            "affine by channel",
            RIGHT * np.arange(1, 9) + 3,
            {"factors": (1, 2, 3, 4)},
            "each channel is an affine function of what it should be, to",
        ),
        (
            "border",
            RIGHT + EDGE,
            {"part": 1, "positions": 2},
            "100% of the squared difference lies within 2 positions of the border",
        ),
        ("orientation", RIGHT[:, ::-1], {"turned": ("mirrored",)}, "it is what it should be when it is mirrored"),
        ("orientation", RIGHT[::-1], {"turned": ("flipped",)}, "it is what it should be when it is flipped"),
        (
            "orientation",
            RIGHT[..., ::-1],
            {"turned": ("reversed in its channels",)},
            "it is what it should be when it is reversed in its channels",
        ),
        ("signs", -RIGHT, {"part": 1}, "100.0% of the signs differ"),
        (
            "coarse part",
            RIGHT + WAVE,
            {"part": 1, "positions": 8, "of_noise": 7 * 5 / 480},
            "100% of the squared difference is coarser than 8 positions (of white noise it would be 7%)",
        ),
        ("coarse part", RIGHT + BOARD, {"part": 0}, "0% of the squared difference is coarser than 8 positions"),
        (
            "spread",
            ONE_OUTLIER,
            {"part": 1},
            "the hundredth part that is furthest off holds 100% of the squared difference",
        ),
        ("number format", RIGHT.astype(np.float16), {"format": "float16"}, "float16 can represent all its values"),
        (
            "shape",
            RIGHT[1:],
            {"got": (23, 20, 8), "expected": (24, 20, 8)},
            "its shape is (23, 20, 8) and should be (24, 20, 8)",
        ),
        ("not finite", NOT_A_NUMBER, {"count": 1, "size": 3840}, "1 of its 3840 values are not finite"),
    ],
)
def test_what_is_known_is_said(kind, got, values, sentence):
    clue = clue_of(kind, got)
    for name, value in values.items():
        is_text = isinstance(value, str) or (isinstance(value, tuple) and isinstance(value[0], str))
        assert clue.values[name] == (value if is_text else pytest.approx(value, rel=1e-3, abs=1e-9))
    assert clue.sentence.startswith(sentence)


def test_the_factors_of_channels_are_said():
    assert "(the first factors are 1, 2, 3, 4)" in clue_of("affine by channel", RIGHT * np.arange(1, 9) + 3).sentence


def test_what_does_not_hold_is_not_said():
    kinds = {clue.kind for clue in facts(RIGHT + GENERATOR.normal(0, 1, RIGHT.shape), RIGHT)}
    assert kinds == {"best factor", "coarse part", "signs", "spread"}


def test_of_what_should_be_zero():
    expected = np.maximum(RIGHT, 0)
    assert clue_of("where zero", np.where(RIGHT > 0, RIGHT, 0.1 * RIGHT), expected).sentence == (
        "100% of the squared difference lies where it should be 0"
    )


def test_of_a_number_only_the_factor_is_known():
    (clue,) = facts(np.asarray(3.0), np.asarray(2.0))
    assert clue.values == {"factor": 1.5, "left": 0.0}
    assert clue.sentence == "it is 1.5 times what it should be, to 0.0e+00"


DIFFERENCE = {"tensor": "gradient/pixels", "was": 0.5, "left": 1e-7}
DECISIONS = {"decisions": ("the sign at relu1_1", "b", "c", "d", "e")}
ELSEWHERE = [
    (
        Clue("other training", {"tensor": "features/conv1_1", "left": 2e-6, "correlation": 0.03}),
        "features/conv1_1 is a convolution of the input to 2.0e-06, and its kernels correlate with the reference's by "
        "0.03 in the median",
    ),
    (
        Clue("computed from", {"inputs": ("gram/relu1_1", "target/style/relu1_1")}),
        "what it is computed from is right (gram/relu1_1, target/style/relu1_1), so the mistake lies after that",
    ),
    (
        Clue("not examined", {}),
        "it differs too, and the examination had reached its limit before it and what follows",
    ),
    (
        Clue("other count", {"got": 5, "same": "and point 2 is the first that differs"}),
        "it has 5 points, and point 2 is the first that differs",
    ),
    (Clue("explained", DIFFERENCE), "with it, the difference of gradient/pixels falls from 5.0e-01 to 1.0e-07"),
    (
        Clue("explained together", {**DIFFERENCE, "trap": 12}),
        "together with trap 12: with it, the difference of gradient/pixels falls from 5.0e-01 to 1.0e-07",
    ),
    (
        Clue("decisions followed", {**DIFFERENCE, **DECISIONS}),
        "the sign at relu1_1, b, c and 2 more; gradient/pixels is 5.0e-01 from the reference's, and 1.0e-07 from it "
        "with the port's own decisions",
    ),
    (
        Clue("decisions turned", {**DIFFERENCE, **DECISIONS}),
        "the sign at relu1_1, b, c and 2 more; with them turned, the difference of gradient/pixels falls from 5.0e-01 "
        "to 1.0e-07",
    ),
]


@pytest.mark.parametrize(("clue", "sentence"), ELSEWHERE, ids=lambda it: getattr(it, "kind", ""))
def test_clues_that_are_made_elsewhere_are_said(clue, sentence):
    assert clue.sentence == sentence


def test_every_kind_of_clue_is_tried_here():
    of_arrays = {"shape", "not finite", "number format", "factor", "best factor", "offset", "affine by channel"}
    of_arrays |= {"border", "orientation", "coarse part", "where zero", "signs", "spread"}
    assert of_arrays | {clue.kind for clue, _ in ELSEWHERE} | {clue.kind for clue, *_ in WHOLE} == set(KINDS)


LEFT = {"left": 3e-8}
# What says the whole mistake: the claim, its sentence, and what a porter does about it.
WHOLE = [
    (
        Clue("stored in", {"format": "float16"}),
        "its values are what they should be, stored in float16",
        "hand over float32",
    ),
    (Clue("another tensor", {"tensor": "style/decoded"}), "it is what style/decoded should be", "under its own name"),
    (
        Clue("normalised", {"range": "0..255", "how": ("less (9, 9, 9) instead of (1, 2, 3)", "in the order BGR")}),
        "it is RGB in 0..255, less (9, 9, 9) instead of (1, 2, 3) and in the order BGR",
        "subtract the checkpoint's means",
    ),
    (
        Clue("gradient by channel", {"factors": (4.3668, 4.4643)}),
        "each channel of the derivative of the terms at taps is multiplied by a factor of its own (4.367, 4.464)",
        "on the way back from the network's input",
    ),
    (Clue("gradient clipped", {"norm": 10.0}), "it is what it should be, scaled down to a norm of 10", "do not clip"),
    (
        Clue("gradients added up", {}),
        "it is the gradient of its step plus the gradient that was handed over for the step before",
        "zero_grad",
    ),
    (Clue("answers late", {}), "each loss or gradient is that of the point before", "for the point that is asked for"),
    (
        Clue("L-BFGS order", {"order": "channel, height, width"}),
        "the points are those of SciPy's L-BFGS when each gradient is flattened in the order channel, height, width",
        "in which the image is flattened",
    ),
    (Clue("the other picture", {}), "it is that of the other picture", "do not exchange"),
    (Clue("same as", {"tensor": "adam/1/pixels"}), "it is the same as adam/1/pixels that is handed over", "a copy"),
    (
        Clue("picture", {"picture": "the content picture", "what": "mirrored", "space": ", in 0..255"}),
        "it is the content picture mirrored, in 0..255",
        "the recipe's pixel space",
    ),
    (
        Clue("resized", {"how": ("box", "area"), "framing": ", of the picture's middle alone", **LEFT}),
        "it was resized by box or area, of the picture's middle alone, to 3.0e-08",
        "antialiased Lanczos",
    ),
    (
        Clue("resized about", {"how": "hamming, truncated to 8 bits", "steps": 0.034}),
        "no filter gives it exactly; the nearest is hamming, truncated to 8 bits, 0.034 of 255 steps away on average",
        "the reference's resized pixels",
    ),
    (
        Clue("known factor", {"expression": "1/C", "factor": 1 / 64, **LEFT}),
        "it is 1/C = 0.015625 times what it should be, to 3.0e-08",
        "look where 1/C is multiplied",
    ),
    (
        Clue("Gram form", {"form": "the upper half alone", "factor": "1", **LEFT}),
        "it is F^T F / M, but the upper half alone, to 3.0e-08",
        "compute F^T F / M",
    ),
    (
        Clue("Gram of another layer", {"layer": "relu3_2", "tap": "relu3_1", "factor": "M", **LEFT}),
        "it is M times the Gram matrix of relu3_2, not of relu3_1, to 3.0e-08",
        "take relu3_1",
    ),
    (
        Clue("plain factor", {"factor": -1.0, **LEFT}),
        "it is -1 times what it should be, to 3.0e-08",
        "multiplied by -1",
    ),
    (
        Clue("map of a picture", {"role": "style"}),
        "it is the feature map of the style picture, not of the image",
        "before another picture passes",
    ),
    (
        Clue("after its ReLU", {}),
        "it is the output of the ReLU after it",
        "keep a copy",
    ),
    (
        Clue("steps early", {"steps": 5}),
        "each of the 5 points is that before its step, not after it",
        "record the image after each step",
    ),
    (
        Clue("PyTorch's first step", {"rate": 1.0}),
        "the first step is that of torch.optim.LBFGS with lr=1, and the later ones are none of those tried "
        "without a line search: it may be with strong_wolfe",
        "call SciPy's",
    ),
    (
        Clue("L-BFGS restarts", {"limit": "maxfun=10"}),
        "the points are those of SciPy's L-BFGS that is called again and again with maxfun=10, each time with an empty "
        "memory",
        "call SciPy's L-BFGS as the recipe does",
    ),
    (
        Clue("another derivative", {"what": "each ReLU passes the whole gradient", "where": "every ReLU"}),
        "each ReLU passes the whole gradient",
        "differentiate every ReLU as it is computed forward",
    ),
    (
        Clue("gradient of the input", {"reversed": ", its channels reversed"}),
        "it is the derivative with respect to the network's input, its channels reversed",
        "the optimized variable",
    ),
    (
        Clue(
            "weight",
            {"terms": "style", "factor": 0.1, "how": ": a style weight of 1 instead of 10"},
        ),
        "all style terms are 0.1 times what they should be: a style weight of 1 instead of 10",
        "the recipe's style weight",
    ),
    (
        Clue("all of a format", {"format": "float16"}),
        "all its values are float16's, where more digits are asked for",
        "float64 for the points",
    ),
    (
        Clue("style terms of", {"form": "the upper half alone"}),
        "it is what F^T F / M gives when each Gram matrix is the upper half alone",
        "compute F^T F / M",
    ),
    (
        Clue("target of another layer", {"layer": "conv4_2", "tap": "relu4_2"}),
        "it is the feature map of conv4_2, not of relu4_2",
        "take relu4_2",
    ),
    (
        Clue("memory order", {"order": "(C, H, W) labelled (H, W, C)"}),
        "it is what it should be, its values read in another order: (C, H, W) labelled (H, W, C)",
        "transpose",
    ),
    (
        Clue("scaled", {"factor": 0.123456, **LEFT}),
        "it is 0.123456 times what it should be, to 3.0e-08, which no known size makes",
        "look for a factor of 0.123456",
    ),
    (
        Clue("by channel", {"factors": (0.5, 2.0), "plus": " and plus a number", **LEFT}),
        "each channel is what it should be times a factor of its own (0.5, 2, ...) and plus a number, to 3.0e-08",
        "normalisation of channels",
    ),
    (
        Clue("decimals", {"digits": 3, "what": "significant digits"}),
        "it is what it should be, rounded to 3 significant digits",
        "all digits",
    ),
    (
        Clue("levels", {"count": 256, "low": 0.0, "high": 374.826}),
        "it is what it should be, rounded to 256 levels from 0 to 374.826",
        "keep floats",
    ),
    (
        Clue("total variation", {"factor": "1/2", "form": "the weight times the sum of squared differences"}),
        "it is 1/2 times the weight times the sum of squared differences",
        "the recipe's form",
    ),
    (
        Clue("another layer", {"layer": "pool1", "what": "left out", "right": "a 2x2 pool"}),
        "pool1 is left out",
        "make pool1 a 2x2 pool",
    ),
    (
        Clue("term form", {"form": "the sum of absolute differences", "factor": "1/C"}),
        "it is 1/C times the sum of absolute differences of what the term compares",
        "sum the squared differences",
    ),
    (
        Clue("term of another layer", {"layer": "relu3_2", "tap": "relu3_1"}),
        "it is the term of relu3_2, not of relu3_1",
        "take relu3_1",
    ),
    (
        Clue("sum of other terms", {"changes": ("without tv", "with twice content/relu4_2")}),
        "it is the sum of the terms without tv and with twice content/relu4_2",
        "add every term once",
    ),
    (
        Clue("sum with a factor", {"terms": "style", "factor": "1/the style weight"}),
        "it is the sum of the terms with 1/the style weight times the style terms",
        "weight of the style terms once",
    ),
    (
        Clue("gradient's parts", {"changes": ("without that of loss/tv",), **LEFT}),
        "it is the sum of the terms' gradients, but without that of loss/tv, to 3.0e-08",
        "detached",
    ),
    (Clue("gradient divided", {"norm": "its norm"}), "it is divided by its norm", "as it is"),
    (Clue("gradient's signs", {}), "it is the signs of what it should be", "as it is"),
    (
        Clue("Adam's betas", {"beta1": 0.9, "beta2": 0.99, "steps": 5, **LEFT}),
        "the 5 steps are Adam's with beta1 = 0.9 and beta2 = 0.99, to 3.0e-08",
        "the recipe's betas",
    ),
    (
        Clue("Adam", {"how": "without bias corrections", "steps": 5, **LEFT}),
        "the 5 steps are Adam's without bias corrections, to 3.0e-08",
        "algorithm 1",
    ),
    (
        Clue("optimizer", {"name": "momentum 0.9", "steps": 5, **LEFT}),
        "the 5 steps are those of momentum 0.9, to 3.0e-08",
        "the recipe's Adam",
    ),
    (
        Clue("weight decay", {"decay": 0.01, "steps": 5, **LEFT}),
        "the 5 steps are Adam's with a weight decay of 0.01 times the rate, to 3.0e-08",
        "to 0",
    ),
    (
        Clue("rates", {"factors": (1.0, 0.5), **LEFT}),
        "the steps are Adam's times 1, 0.5, one after the other, to 3.0e-08",
        "learning rate",
    ),
    (
        Clue("L-BFGS end", {"count": 7}),
        "the 7 points are those of SciPy's L-BFGS, and then it ends",
        "set ftol and gtol to 0",
    ),
    (
        Clue("L-BFGS memory", {"memory": "20", "right": 10}),
        "the points are those of SciPy's L-BFGS with a memory of 20 (here 10)",
        "set m=10",
    ),
    (
        Clue("L-BFGS bounds", {"range": "0 to 255"}),
        "the points are those of SciPy's L-BFGS-B with bounds: 0 to 255",
        "no bounds",
    ),
    (
        Clue("L-BFGS line search", {"most": 5}),
        "the points are those of SciPy's L-BFGS with at most 5 evaluations a line search",
        "maxls at 20",
    ),
    (
        Clue("PyTorch's L-BFGS", {"rate": 1.0, "memory": "more than 10", "clamped": ", clamped to the range of RGB"}),
        "the points are those of torch.optim.LBFGS without a line search, lr=1, a history of more than 10, clamped "
        "to the range of RGB",
        "SciPy's",
    ),
    (Clue("plain descent", {}), "the points are those of plain gradient descent with a rate of 1", "SciPy's"),
    (Clue("all zero", {}), "it is zero everywhere", "never filled"),
    (Clue("power", {"of": "the square"}), "it is the square of what it should be", "as they are"),
    (
        Clue("clipped", {"low": 0.0, "high": 255.0, "part": 0.25}),
        "it is what it should be, clipped to 0 to 255, which changes 25% of the values",
        "do not clip",
    ),
    (Clue("quantised", {"how": "rounded", "to": "integers"}), "it is what it should be, rounded to integers", "floats"),
    (Clue("turned", {"how": "upside down"}), "it is what it should be, upside down", "the order of rows and columns"),
    (Clue("exchanged", {}), "it is what it should be with its height and width exchanged", "column-major"),
    (
        Clue("moved", {"shift": "+1", "axis": "rows", "edge": "round the edge"}),
        "it is what it should be, moved by +1 rows, round the edge",
        "off by one",
    ),
    (
        Clue("channels", {"order": "second, first, third"}),
        "it is what it should be with its channels in the order second, first, third",
        "in their order",
    ),
]


@pytest.mark.parametrize(("clue", "sentence", "fix"), WHOLE, ids=lambda it: getattr(it, "kind", None))
def test_a_claim_that_says_the_whole_mistake_has_a_fix(clue, sentence, fix):
    found = Finding(None, "gram/relu1_1", clue.sentence, (clue,))
    assert clue.sentence == sentence
    assert fix in found.fix
    assert [line.strip() for line in finding_lines(1, found)] == [f"1. gram/relu1_1: {sentence}.", f"fix: {found.fix}"]
    assert (finding_json(found)["fix"], finding_json(found)["trap"]) == (found.fix, None)


def factor(value, tensor="loss/style/relu1_1"):
    return Finding(None, tensor, NOTHING_FITS, (Clue("factor", {"factor": value, "left": 1e-7}),))


def test_findings_of_one_kind_are_one_whose_sentence_is_true_of_all():
    """Not "0.8 times what it should be" where the others are 0.5 and 0.1 times."""
    taps = ("relu1_1", "relu2_1", "relu3_1")
    values = (0.8, 0.1, 0.5)
    (one,) = grouped([factor(value, f"loss/style/{tap}") for value, tap in zip(values, taps, strict=True)])
    assert (one.tensor, one.also_in) == ("loss/style/relu1_1", ("loss/style/relu2_1", "loss/style/relu3_1"))
    assert one.clues[0].values == {"factor": Range(0.1, 0.8), "left": 1e-7}
    assert one.evidence == "it is 0.1 to 0.8 times what it should be, to 1.0e-07"
    assert list(finding_lines(1, one)) == [
        "1. loss/style/relu1_1: no known trap explains it. What is known: it is 0.1 to 0.8 times what it should be, to "
        "1.0e-07.",
        "   2 more of this kind: loss/style/relu2_1, loss/style/relu3_1",
    ]
    assert finding_json(one)["clues"] == [{"kind": "factor", "values": {"factor": [0.1, 0.8], "left": 1e-7}}]


@pytest.mark.parametrize(
    ("count", "named"),
    [(3, "tap 1, tap 2, tap 3"), (4, "tap 1, tap 2, tap 3 ... tap 4"), (5, "tap 1, tap 2, tap 3 ... tap 5")],
)
def test_of_many_tensors_three_and_the_last_are_named(count, named):
    also_in = tuple(f"tap {number}" for number in range(1, count + 1))
    *_, last = finding_lines(1, replace(factor(0.5), also_in=also_in))
    assert last == f"   {count} more of this kind: {named}"


def test_one_number_is_no_range():
    (one,) = grouped([factor(0.5, "loss/style/relu1_1"), factor(0.5 + 1e-9, "loss/style/relu2_1")])
    assert one.evidence == "it is 0.5 times what it should be, to 1.0e-07"


def finding(tensor, *clues):
    return Finding(None, tensor, NOTHING_FITS, clues)


def test_what_only_some_of_a_group_show_is_not_said_of_all():
    signs, spread = Clue("signs", {"part": 0.1}), Clue("spread", {"part": 0.5})
    (one,) = grouped([finding("gram/relu1_1", signs, spread), finding("gram/relu2_1", Clue("signs", {"part": 0.3}))])
    assert one.evidence == "10.0% to 30.0% of the signs differ"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Clue("factor", {"factor": 2.0, "left": 0.0}), Clue("offset", {"offset": 2.0, "left": 0.0})),
        (Clue("another tensor", {"tensor": "gram/relu3_1"}), Clue("another tensor", {"tensor": "gram/relu4_1"})),
        (Clue("power", {"of": "the square"}), Clue("power", {"of": "the negative"})),
        (Clue("shape", {"got": (1,), "expected": (2,)}), Clue("shape", {"got": (3,), "expected": (2,)})),
        (Clue("number format", {"format": "float16"}), Clue("number format", {"format": "bfloat16"})),
        (Clue("orientation", {"turned": ("flipped",)}), Clue("orientation", {"turned": ("mirrored",)})),
    ],
)
def test_different_claims_are_different_findings(first, second):
    assert len(grouped([finding("gram/relu1_1", first), finding("gram/relu2_1", second)])) == 2
    assert len(grouped([finding("gram/relu1_1", first), finding("gram/relu2_1", first)])) == 1


def test_tensors_of_different_kinds_are_different_findings():
    assert len(grouped([factor(0.5, "gram/relu1_1"), factor(0.5, "target/style/relu1_1")])) == 2


def test_what_is_not_finite_is_null_in_json():
    clue = Clue("explained", {"tensor": "features/pool1", "was": float("inf"), "left": 1e-7})
    assert clue.as_json() == {
        "kind": "explained",
        "values": {"tensor": "features/pool1", "was": None, "left": 1e-7},
    }
