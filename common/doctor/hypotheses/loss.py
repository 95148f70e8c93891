"""The traps of the loss: Gram matrices, targets, factors, total variation, and the order of the gradient."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import get_args

from common.doctor.hypotheses.trap import Fault, Trap
from common.doctor.reference import RIGHT, Case, TvForm, TvSpace, feature_shape
from common.recipes import coefficients

_FACTORS = {"1/2": 0.5, "2": 2.0, "1/4": 0.25, "4": 4.0}


def _gram_norms(_: Case) -> Iterator[Fault]:
    for norm, words in {"none": "not divided by M", "M C": "divided by M C", "C": "divided by C"}.items():
        detail = f"F^T F {words}, where M is asked for"
        yield Fault({"gram_norm": norm}, detail)
        yield Fault({"gram_handed": norm}, f"{detail}; the loss allows for it and is right")


GRAM_NORM = Trap(
    number=18,
    title="the Gram matrix is normalised by another number",
    fix="divide F^T F by the number of positions M, or give the loss the factor that makes up for another norm",
    seen_in="every code differs",
    faults={"gram": _gram_norms},
)


def _gram_of_positions(case: Case) -> Iterator[Fault]:
    if case.problem.content.shape == case.problem.style.shape:
        yield Fault({"gram_of_positions": True}, "F F^T, one row for each position")


GRAM_OF_POSITIONS = Trap(
    number=19,
    title="the Gram matrix is over positions instead of channels",
    fix="flatten the positions and sum over them: the matrix is (C, C)",
    seen_in="NHWC ports of NCHW code",
    faults={"gram": _gram_of_positions},
)


def _style_not_resized(_: Case) -> Iterator[Fault]:
    yield Fault({"own_style_size": True}, "the style picture is not resized")


def _targets_of_other_sizes(case: Case) -> Iterator[Fault]:
    image, resized = case.problem.content.shape, case.problem.style.shape
    for own, style in ((False, resized), (True, case.style.decoded.shape)):
        ratios = {tap: _positions(tap, style) / _positions(tap, image) for tap in case.problem.coefficients.style}
        if (own and style[:2] == resized[:2]) or all(ratio == 1 for ratio in ratios.values()):
            continue
        size = "its own size" if own else "the style's size"
        yield Fault({"target_scale": ratios}, f"the target is M_s / M too large, with the M_s of {size}")
        by_size = {"target_scale": ratios, "own_style_size": own}
        yield Fault(by_size, f"the picture has {size}, and the target is M_s / M too large")
        if factors := _factors_by_size(case, style):
            detail = f"the picture has {size}: the target is M_s / M too large, and so are the factors of the terms"
            yield Fault({**by_size, "term_scale": factors}, detail)


def _factors_by_size(case: Case, style: tuple[int, ...]) -> Mapping[str, float]:
    """What another size of the style picture makes of the style terms' factors, where a convention has it in them."""
    height, width, _ = case.problem.content.shape
    right, recipe = case.problem.coefficients, case.problem.recipe
    by_style = coefficients(recipe, (height, width), (style[0], style[1]))
    factors = {f"style/{tap}": by_style.style[tap].k / term.k for tap, term in right.style.items() if term.k}
    return factors if any(factor != 1 for factor in factors.values()) else {}


def _positions(tap: str, image: tuple[int, ...]) -> float:
    height, width, _ = feature_shape(tap, image, RIGHT)
    return float(height * width)


STYLE_SIZE = Trap(
    number=22,
    title="the style target is of a picture of another size, or not normalised for its size",
    fix="normalise each Gram matrix by the number of positions of its own picture, or bring both pictures to one size",
    seen_in="the blog post with PyTorch code, by its thumbnail",
    faults={"resize": _style_not_resized, "gram": _targets_of_other_sizes},
)


def _factors_of_taps(case: Case) -> Iterator[Fault]:
    count = len(case.problem.coefficients.style)
    if count > 1:
        for name, factor in {"1/L": 1 / count, "L": float(count), "1/L^2": count**-2.0}.items():
            yield Fault({"term_scale": {"style": factor}}, f"{name} times the style terms, with L = {count} taps")


NUMBER_OF_TAPS = Trap(
    number=21,
    title="the style weight is divided by the number of taps once too often, or not at all",
    fix="divide the sum over taps as often as the recipe's convention says",
    seen_in="cysmith/neural-style-tf",
    faults={"loss": _factors_of_taps},
)


def _factors(case: Case) -> Iterator[Fault]:
    for kind, (name, factor) in product(("style", "content", "tv"), _FACTORS.items()):
        yield Fault({"term_scale": {kind: factor}}, f"{name} times the {kind} terms")
    taps, image = case.problem.coefficients, case.problem.content.shape
    for power, words in ((1, "a sum"), (-1, "a mean")):
        shapes = {tap: feature_shape(tap, image, RIGHT) for tap in (*taps.style, *taps.content)}
        squares = {f"style/{tap}": float(shapes[tap][2]) ** (2 * power) for tap in taps.style}
        volumes = {f"content/{tap}": float(prod(shapes[tap])) ** power for tap in taps.content}
        if squares:
            yield Fault({"term_scale": squares}, f"{words} over C^2 in the style terms")
        if volumes:
            yield Fault({"term_scale": volumes}, f"{words} over M C in the content terms")


TERM_FACTOR = Trap(
    number=20,
    title="a loss term has another factor: a mean instead of a sum, or 1/2 or 1/4 more or less",
    fix="take the factor out of the term, or put it into the weight of the term",
    seen_in="Gatys' codes against his paper",
    faults={"loss": _factors},
)

_TV_FORMS = {
    "none": "no total variation",
    "mean_abs": "mean of absolute differences",
    "sum_abs": "sum of absolute differences",
    "power": "sum of squared differences to the power 1.25",
    "sum_squares": "sum of squared differences",
    "mean_squares": "mean of squared differences",
}
_TV_SPACES = {
    "right": "",
    "of 255": ", of pixels in 0..255",
    "of 1": ", of pixels in 0..1",
    "normalised": ", of normalised pixels",
}


def _total_variations(case: Case) -> Iterator[Fault]:
    for space, form in product(get_args(TvSpace), get_args(TvForm)):
        if (space, form) != ("right", case.problem.coefficients.tv_form):
            where = "" if form == "none" else _TV_SPACES[space]
            yield Fault({"tv_form": form, "tv_space": space}, f"{_TV_FORMS[form]}{where}")


TOTAL_VARIATION = Trap(
    number=23,
    title="the total variation has another form, or is computed in another pixel space",
    fix="use the recipe's form (absolute, squared or power 1.25; sum or mean) and its pixel space",
    seen_in="every code differs",
    faults={"loss": _total_variations},
)


def _flat_chw(_: Case) -> Iterator[Fault]:
    yield Fault({"flat_chw": True}, "flattened in the order channel, height, width")


FLAT_ORDER = Trap(
    number=27,
    title="the gradient is flattened in another order than the image",
    fix="flatten both in one order (here height, width, channel)",
    seen_in="L-BFGS ports",
    faults={"gradient": _flat_chw},
)
