"""Factors that are products of known sizes, by name: 1/C, M^2, 255."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations, product

import numpy as np

from common.oracle import Run
from common.tensors import Array, TensorName
from common.vgg19 import shape_at

CLOSE = 1e-5
_EXPONENTS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
_MOST_SIZES = 2
# What a single number may be: with more sizes and powers some product comes near any number by chance.
_PLAIN = 3.0
_LEAST_PLAIN, _EXACT = 5.6, 1e-7  # with three sizes, of which far more products come near a number
_ALIKE, _MOST_NAMED = 1.0, 3
_OF_SEVERAL = ("L/(L - 1)", "M/(M - 1)")
_CHOSEN = 1e-6
_FEWEST_TAPS = 4

Sizes = Mapping[str, float]
Powers = tuple[tuple[str, float], ...]


def sizes_at(run: Run, name: str) -> Sizes:
    """The numbers that ports multiply and divide by, at a tensor: C and M are its tap's channels and positions."""
    problem, tap = run.case.problem, TensorName.parse(name).tap
    (height, width), (style_height, style_width) = problem.content.shape[:2], problem.style.shape[:2]
    sizes = {"2": 2.0, "3": 3.0, "255": 255.0, "57.63": 57.63, "H W": float(height * width)}
    recipe = problem.recipe
    count = float(len(recipe.style_taps))
    if TensorName.parse(name).stage in ("loss", "gradient"):
        weights = {kind: getattr(recipe, f"{kind}_weight") for kind in ("content", "style", "tv")}
        sizes |= {f"the {kind} weight": weight for kind, weight in weights.items()} | {"L": count}
        sizes |= {"3 H W": 3.0 * height * width}
        if tap:  # where no total variation comes in
            del sizes["the tv weight"]
        if count > 1:
            sizes["L/(L - 1)"] = count / (count - 1)
        sizes = of_terms(TensorName.parse(name).kind.removeprefix("loss/"), sizes)
    if TensorName.parse(name).stage in ("file", "resize", "input"):
        sizes["255/256"] = 255 / 256
    if tap:
        rows, columns, channels = shape_at(tap, (height, width))
        style_rows, style_columns, _ = shape_at(tap, (style_height, style_width))
        sizes |= {"C": float(channels), "M": float(rows * columns), "M_s": float(style_rows * style_columns)}
        if rows * columns > 1:
            sizes["M/(M - 1)"] = rows * columns / (rows * columns - 1)
    return {symbol: size for symbol, size in sizes.items() if size > 0 and size != 1}


def of_terms(kind: str, sizes: Sizes) -> dict[str, float]:
    """The sizes without those that belong to terms of another kind; of all where the kind is none."""
    others = {"content", "style", "tv"} - {kind} if kind in ("content", "style", "tv") else set()
    apart = {f"the {other} weight" for other in others} | ({"L", "L/(L - 1)"} if "style" in others else set())
    return {symbol: size for symbol, size in sizes.items() if symbol not in apart}


def expression(factors: Sequence[tuple[float, Sizes]], close: float = CLOSE) -> str | None:
    """The simplest product of sizes that every factor is, each of its own sizes; None where there is none.

    Products that are about as simple are named too: M is 16 and sqrt(M) is 4 at a tap, and no number says which. A
    number that somebody may have chosen, such as 0.75, is a product of sizes by chance.
    """
    if not factors or any(not np.isfinite(factor) or factor == 0 for factor, _ in factors):
        return None
    if len({factor < 0 for factor, _ in factors}) > 1:
        return None
    symbols = set.intersection(*(set(sizes) for _, sizes in factors))
    # Where every tap has as many positions as the image, or as the style picture's, M says it.
    symbols -= {it for it in ("H W", "M_s") if all(sizes.get(it) == sizes.get("M") for _, sizes in factors)}
    if len(factors) == 1:  # what is near 1 at a tap, and one of many numbers
        symbols = {symbol for symbol in symbols if symbol not in _OF_SEVERAL}
    return _product(factors, sorted(symbols), _MOST_SIZES, close) or _of_a_tap(factors, close)


def _product(factors: Sequence[tuple[float, Sizes]], symbols: Sequence[str], most: int, close: float) -> str | None:
    """The simplest products of so many sizes at most."""
    matrix, powers, costs = _products(tuple(symbols), most)
    off = np.zeros(len(powers))
    for factor, sizes in factors:
        logs = np.log([sizes[symbol] for symbol in symbols])
        off = np.maximum(off, np.abs(matrix @ logs - np.log(abs(factor))))
    least = _PLAIN if most == _MOST_SIZES else _LEAST_PLAIN
    least = least if len(factors) == 1 else np.inf
    chosen = all(is_round(factor) and abs(factor / factors[0][0] - 1) < _CHOSEN for factor, _ in factors)
    fitting = [
        index
        for index in np.flatnonzero(off < close)
        if costs[index] <= least and (not chosen or _is_simple(powers[index]))
    ]
    if not fitting and len(factors) == 1 and most == _MOST_SIZES:
        return _product(factors, symbols, most + 1, min(close, _EXACT))
    if not fitting:
        return None
    fitting.sort(key=lambda index: costs[index])
    alike = [index for index in fitting if costs[index] <= costs[fitting[0]] + _ALIKE][:_MOST_NAMED]
    return " or ".join(f"{'-' if factors[0][0] < 0 else ''}{_in_words(powers[index])}" for index in alike)


def is_round(number: float) -> bool:
    """Whether a number has three digits at most, as those do that somebody chose."""
    return bool(number) and math.isfinite(number) and abs(number / float(f"{number:.3g}") - 1) < _CHOSEN


def _is_simple(powers: Powers) -> bool:
    """Whether a product is a single size or its inverse, or a power of 2."""
    return len(powers) <= 1 and all(abs(exponent) == 1 or name == "2" for name, exponent in powers)


def _of_a_tap(factors: Sequence[tuple[float, Sizes]], close: float) -> str | None:
    """Powers of C and M that the factors follow from tap to tap, times what they have in common; None where they don't.

    Three numbers are fitted, so that at least one tap remains to tell whether they do.
    """
    if len(factors) < _FEWEST_TAPS or any(not {"C", "M"} <= sizes.keys() for _, sizes in factors):
        return None
    logs = np.log([[np.e, sizes["C"], sizes["M"]] for _, sizes in factors])
    wanted = np.log([abs(factor) for factor, _ in factors])
    (_, *powers), _, rank, _ = np.linalg.lstsq(logs, wanted, rcond=1e-6)
    powers = [round(2 * power) / 2 for power in powers]
    rest = wanted - logs[:, 1:] @ powers
    if rank < logs.shape[1] or np.ptp(rest) > close or not any(powers):
        return None
    sign = "-" if factors[0][0] < 0 else ""
    of_taps = _in_words(tuple((name, power) for name, power in zip("CM", powers, strict=True) if power))
    common = float(np.exp(rest.mean()))
    if abs(common - 1) <= close:
        return f"{sign}{of_taps}"
    sizes = {symbol: size for symbol, size in factors[0][1].items() if symbol not in {"C", "M", "M_s", "M/(M - 1)"}}
    return f"{sign}{expression([(common, sizes)], close) or f'{common:.6g}'} times {of_taps}"


@lru_cache(maxsize=16)
def _products(symbols: tuple[str, ...], most: int) -> tuple[Array, tuple[Powers, ...], Array]:
    """Exponents of every product, one row each, the products by name, and how far from plain each is."""
    chosen: list[Powers] = [()]
    for count in range(1, most + 1):
        for names in combinations(symbols, count):
            if "3 H W" in names and {"3", "H W"} & {*names}:
                continue
            for exponents in product(*(_exponents(name) for name in names)):
                chosen.append(tuple(zip(names, exponents, strict=True)))
    matrix = np.zeros((len(chosen), len(symbols)))
    for row, powers in enumerate(chosen):
        for name, exponent in powers:
            matrix[row, symbols.index(name)] = exponent
    costs = np.array([sum(_cost(name, exponent) for name, exponent in powers) for powers in chosen])
    return matrix, tuple(chosen), costs


def _exponents(symbol: str) -> tuple[float, ...]:
    """The powers that ports take of a size; of a weight or a quotient there are no roots."""
    return _EXPONENTS[:2] if "/" in symbol or symbol.startswith("the ") else _EXPONENTS


def _in_words(powers: Powers) -> str:
    powers = tuple(_turned(name) if "/" in name and exponent < 0 else (name, exponent) for name, exponent in powers)
    above, below = ([_power(name, abs(e)) for name, e in powers if e * sign > 0] for sign in (1, -1))
    bottom = " ".join(below)
    bottom = f"({bottom})" if len(below) > 1 or (" " in bottom and not bottom.startswith("the ")) else bottom
    return f"{' '.join(above) or '1'}{f'/{bottom}' if below else ''}"


def _turned(quotient: str) -> tuple[str, float]:
    above, below = quotient.split("/")
    return f"{below}/{above}", 1.0


def _cost(name: str, exponent: float) -> float:
    return 0.5 + (abs(exponent) if abs(exponent) >= 1 else 1.5) * (1.0 if name in ("2", "C", "M") else 1.1)


def _power(name: str, exponent: float) -> str:
    if exponent == 0.5:
        return f"sqrt({name})"
    base = f"({name})" if " " in name else name
    return name if exponent == 1 else f"{base}^{exponent:g}"
