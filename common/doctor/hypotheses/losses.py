"""The traps of the loss: Gram matrices, targets, factors, total variation, and the order of the gradient."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from common.doctor.hypotheses.trap import Fault, Trap, fault
from common.oracle import Case
from common.recipes import coefficients
from common.vgg19 import layer, shape_at


@Trap(
    18,
    "the Gram matrix is normalised by another number",
    fix="divide F^T F by the number of positions M, or give the loss the factor that makes up for another norm",
    seen_in="every code differs",
)
def _gram_norm(_: Case) -> Iterator[Fault]:
    for norm, words in {"none": "not divided by M", "M C": "divided by M C", "C": "divided by C"}.items():
        detail = f"F^T F {words}, where M is asked for"
        yield fault("gram", detail, gram_norm=norm)
        yield fault("gram", f"{detail}; the loss allows for it", gram_handed=norm)


@Trap(
    19,
    "the Gram matrix is over positions instead of channels",
    fix="flatten the positions and sum over them: the matrix is (C, C)",
    seen_in="NHWC ports of NCHW code",
)
def _gram_of_positions(case: Case) -> Iterator[Fault]:
    if case.problem.content.shape == case.problem.style.shape:
        yield fault("gram", "F F^T, one row for each position", gram_of_positions=True)


@Trap(
    22,
    "the style target is of a picture of another size, or not normalised for its size",
    fix="normalise each Gram matrix by the number of positions of its own picture, or bring both pictures to one size",
    seen_in="the blog post with PyTorch code, by its thumbnail",
)
def _style_size(case: Case) -> Iterator[Fault]:
    yield fault("resize", "the style picture is not resized", own_style_size=True)
    image, resized = case.problem.content.shape, case.problem.style.shape
    for own, style in ((False, resized), (True, case.style.decoded.shape)):
        ratios = {tap: _positions(tap, style) / _positions(tap, image) for tap in case.problem.coefficients.style}
        if (own and style[:2] == resized[:2]) or all(ratio == 1 for ratio in ratios.values()):
            continue
        size = "its own size" if own else "the style's size"
        yield fault("gram", f"the target is M_s / M too large, with the M_s of {size}", target_scale=ratios)
        detail = f"the picture has {size}, and the target is M_s / M too large"
        yield fault("gram", detail, target_scale=ratios, own_style_size=own)
        if factors := _factors_by_size(case, style):
            detail = f"the picture has {size}: the target is M_s / M too large, and so are the factors of the terms"
            yield fault("gram", detail, target_scale=ratios, own_style_size=own, term_scale=factors)


def _factors_by_size(case: Case, style: tuple[int, ...]) -> Mapping[str, float]:
    """What another size of the style picture makes of the style terms' factors, where a convention has it in them."""
    height, width, _ = case.problem.content.shape
    right, recipe = case.problem.coefficients, case.problem.recipe
    by_style = coefficients(recipe, (height, width), (style[0], style[1]))
    factors = {f"style/{tap}": by_style.style[tap].k / term.k for tap, term in right.style.items() if term.k}
    return factors if any(factor != 1 for factor in factors.values()) else {}


def _positions(tap: str, image: tuple[int, ...]) -> float:
    height, width, _ = shape_at(tap, (image[0], image[1]))
    return float(height * width)


@Trap(
    21,
    "the style weight is divided by the number of taps once too often, or not at all",
    fix="divide the sum over taps as often as the recipe's convention says",
    seen_in="cysmith/neural-style-tf",
)
def _number_of_taps(case: Case) -> Iterator[Fault]:
    count = len(case.problem.coefficients.style)
    if count > 1:
        for name, factor in {"1/L": 1 / count, "L": float(count), "1/L^2": count**-2.0}.items():
            yield fault("loss", f"{name} times the style terms, with L = {count} taps", term_scale={"style": factor})


_ALSO = {1.0: "", 2.0: ", and 2 times that", 0.5: ", and half of that"}


@Trap(
    20,
    "a loss term has another factor: a mean instead of a sum, or 1/2 or 1/4 more or less",
    fix="take the factor out of the term, or put it into the weight of the term",
    seen_in="Gatys' codes against his paper",
)
def _term_factor(case: Case) -> Iterator[Fault]:
    factors = {"1/2": 0.5, "2": 2.0, "1/4": 0.25, "4": 4.0}
    for kind, (name, factor) in product(("style", "content", "tv"), factors.items()):
        yield fault("loss", f"{name} times the {kind} terms", term_scale={kind: factor})
    taps, (height, width, _) = case.problem.coefficients, case.problem.content.shape
    for power, words in ((1, "a sum"), (-1, "a mean")):
        squares = {f"style/{tap}": float(layer(tap).out_channels) ** (2 * power) for tap in taps.style}
        volumes = {f"content/{tap}": float(prod(shape_at(tap, (height, width)))) ** power for tap in taps.content}
        if squares:
            yield fault("loss", f"{words} over C^2 in the style terms", term_scale=squares)
        for factor, also in _ALSO.items() if volumes else ():
            scale = {tap: factor * volume for tap, volume in volumes.items()}
            yield fault("loss", f"{words} over M C in the content terms{also}", term_scale=scale)


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


@Trap(
    23,
    "the total variation has another form, or is computed in another pixel space",
    fix="use the recipe's form (absolute, squared or power 1.25; sum or mean) and its pixel space",
    seen_in="every code differs",
)
def _total_variation(case: Case) -> Iterator[Fault]:
    for space, form in product(_TV_SPACES, _TV_FORMS):
        if (space, form) != ("right", case.problem.coefficients.tv_form):
            where = "" if form == "none" else _TV_SPACES[space]
            yield fault("loss", f"{_TV_FORMS[form]}{where}", tv_form=form, tv_space=space)


@Trap(
    27,
    "the gradient is flattened in another order than the image",
    fix="flatten both in one order (here height, width, channel)",
    seen_in="L-BFGS ports",
)
def _flat_order(_: Case) -> Iterator[Fault]:
    yield fault("gradient", "flattened in the order channel, height, width", flat_chw=True)
