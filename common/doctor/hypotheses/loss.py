"""The traps of the loss: Gram matrices, targets, factors, total variation."""

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import get_args

from common.doctor.reference import RIGHT, Case, Made, TvForm, TvSpace, feature_shape
from common.recipes import coefficients

_FACTORS = {"1/2": 0.5, "2": 2.0, "1/4": 0.25, "4": 4.0}


def gram_changes(case: Case) -> Made:
    """Trap, changes and words of the Gram matrices and their targets."""
    for norm, words in {"none": "not divided by M", "M C": "divided by M C", "C": "divided by C"}.items():
        yield 18, {"gram_norm": norm}, f"F^T F {words}, where M is asked for"
        yield 18, {"gram_handed": norm}, f"F^T F {words}, where M is asked for; the loss allows for it and is no worse"
    image, resized = case.problem.content.shape, case.problem.style.shape
    if image == resized:
        yield 19, {"gram_of_positions": True}, "F F^T, one row for each position"
    for own, style in ((False, resized), (True, case.style.decoded.shape)):
        if own and style[:2] == resized[:2]:
            continue
        ratios = {tap: _positions(tap, style) / _positions(tap, image) for tap in case.coefficients.style}
        size = "its own size" if own else "the style's size"
        if any(ratio != 1 for ratio in ratios.values()):
            yield 22, {"target_scale": ratios}, f"the target is M_s / M too large, with the M_s of {size}"
            by_size = {"target_scale": ratios, "own_style_size": own}
            yield 22, by_size, f"the picture has {size}, and the target is M_s / M too large"
            if factors := _factors_by_size(case, style):
                words = f"the picture has {size}: the target is M_s / M too large, and so are the terms' factors"
                yield 22, {**by_size, "term_scale": factors}, words


def _factors_by_size(case: Case, style: tuple[int, ...]) -> Mapping[str, float]:
    """What another size of the style picture makes of the style terms' factors, where a convention has it in them."""
    height, width, _ = case.problem.content.shape
    right, other = case.coefficients, coefficients(case.problem.recipe, (height, width), (style[0], style[1]))
    factors = {f"style/{tap}": other.style[tap].k / it.k for tap, it in right.style.items() if it.k}
    return factors if any(factor != 1 for factor in factors.values()) else {}


def _positions(tap: str, image: tuple[int, ...]) -> float:
    height, width, _ = feature_shape(tap, image, RIGHT)
    return float(height * width)


def loss_changes(case: Case) -> Made:
    """Trap, changes and words of the terms."""
    yield from _of_taps(len(case.coefficients.style))
    for kind, (name, factor) in product(("style", "content", "tv"), _FACTORS.items()):
        yield 20, {"term_scale": {kind: factor}}, f"{name} times the {kind} terms"
    for power, words in ((1, "a sum"), (-1, "a mean")):
        yield from _of_sums(case, power, words)
    for space, form in product(get_args(TvSpace), get_args(TvForm)):
        if (space, form) != ("right", case.coefficients.tv_form):
            where = "" if space == "right" else f", in a space {space}"
            yield 23, {"tv_form": form, "tv_space": space}, f"{form}{where}"


def _of_taps(count: int) -> Made:
    for name, factor in {"1/L": 1 / max(count, 1), "L": float(count), "1/L^2": max(count, 1) ** -2.0}.items():
        if count > 1:
            yield 21, {"term_scale": {"style": factor}}, f"{name} times the style terms, with L = {count} taps"


def _of_sums(case: Case, power: int, words: str) -> Made:
    image = case.problem.content.shape
    squares = {
        f"style/{tap}": float(feature_shape(tap, image, RIGHT)[2]) ** (2 * power) for tap in case.coefficients.style
    }
    volumes = {
        f"content/{tap}": float(prod(feature_shape(tap, image, RIGHT))) ** power for tap in case.coefficients.content
    }
    if squares:
        yield 20, {"term_scale": squares}, f"{words} over C^2 in the style terms"
    if volumes:
        yield 20, {"term_scale": volumes}, f"{words} over M C in the content terms"
