"""Factors that are products of known sizes, by name: 1/C, M^2, 255."""

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
_ALIKE, _MOST_NAMED = 1.0, 3

Sizes = Mapping[str, float]
Powers = tuple[tuple[str, float], ...]


def sizes_at(run: Run, name: str) -> Sizes:
    """The numbers that ports multiply and divide by, at a tensor: C and M are its tap's channels and positions."""
    problem, tap = run.case.problem, TensorName.parse(name).tap
    (height, width), (style_height, style_width) = problem.content.shape[:2], problem.style.shape[:2]
    sizes = {"2": 2.0, "3": 3.0, "255": 255.0, "57.63": 57.63, "H W": float(height * width)}
    recipe = problem.recipe
    weighted = TensorName.parse(name).stage in ("loss", "gradient")
    for weight in ("content_weight", "style_weight", "tv_weight") if weighted else ():
        sizes[f"the {weight.replace('_', ' ')}"] = getattr(recipe, weight)
    count = float(len(recipe.style_taps))
    sizes |= {"L": count, "(L - 1)": count - 1}
    if count > 1:
        sizes["L/(L - 1)"] = count / (count - 1)
    if TensorName.parse(name).stage in ("file", "resize", "input"):
        sizes["255/256"] = 255 / 256
    if tap:
        rows, columns, channels = shape_at(tap, (height, width))
        style_rows, style_columns, _ = shape_at(tap, (style_height, style_width))
        sizes |= {"C": float(channels), "M": float(rows * columns), "M_s": float(style_rows * style_columns)}
    # Where a tap has as many positions as the image, or as the style picture's, M says it.
    doubled = {symbol for symbol in ("H W", "M_s") if sizes.get(symbol) == sizes.get("M")}
    return {symbol: size for symbol, size in sizes.items() if symbol not in doubled and size > 0 and size != 1}


def expression(factors: Sequence[tuple[float, Sizes]], close: float = CLOSE) -> str | None:
    """The simplest product of sizes that every factor is, each of its own sizes; None where there is none.

    Products that are about as simple are named too: M is 16 and sqrt(M) is 4 at a tap, and no number says which.
    """
    if not factors or any(not np.isfinite(factor) or factor == 0 for factor, _ in factors):
        return None
    signs = {factor < 0 for factor, _ in factors}
    symbols = set.intersection(*(set(sizes) for _, sizes in factors))
    if len(signs) > 1:
        return None
    matrix, powers, costs = _products(tuple(sorted(symbols)))
    off = np.zeros(len(powers))
    for factor, sizes in factors:
        logs = np.log([sizes[symbol] for symbol in sorted(symbols)])
        off = np.maximum(off, np.abs(matrix @ logs - np.log(abs(factor))))
    least = _PLAIN if len(factors) == 1 else np.inf
    fitting = [index for index in np.flatnonzero(off < close) if costs[index] <= least]
    if not fitting:
        return None
    fitting.sort(key=lambda index: costs[index])
    alike = [index for index in fitting if costs[index] <= costs[fitting[0]] + _ALIKE][:_MOST_NAMED]
    if [name for name, _ in powers[alike[0]]] == ["2"]:  # a plain 2 is likelier than the number of taps less 1
        alike = [index for index in alike if not any(name == "(L - 1)" for name, _ in powers[index])]
    return " or ".join(f"{'-' if factors[0][0] < 0 else ''}{_in_words(powers[index])}" for index in alike)


@lru_cache(maxsize=16)
def _products(symbols: tuple[str, ...]) -> tuple[Array, tuple[Powers, ...], Array]:
    """Exponents of every product, one row each, the products by name, and how far from plain each is."""
    chosen: list[Powers] = [()]
    for count in range(1, _MOST_SIZES + 1):
        for names in combinations(symbols, count):
            for exponents in product(*(_EXPONENTS[:2] if "/" in name else _EXPONENTS for name in names)):
                chosen.append(tuple(zip(names, exponents, strict=True)))
    matrix = np.zeros((len(chosen), len(symbols)))
    for row, powers in enumerate(chosen):
        for name, exponent in powers:
            matrix[row, symbols.index(name)] = exponent
    costs = np.array([sum(_cost(name, exponent) for name, exponent in powers) for powers in chosen])
    return matrix, tuple(chosen), costs


def _in_words(powers: Powers) -> str:
    powers = tuple(_turned(name) if "/" in name and exponent < 0 else (name, exponent) for name, exponent in powers)
    above, below = ([_power(name, abs(e)) for name, e in powers if e * sign > 0] for sign in (1, -1))
    bottom = f"({' '.join(below)})" if len(below) > 1 else "".join(below)
    return f"{' '.join(above) or '1'}{f'/{bottom}' if below else ''}"


def _turned(quotient: str) -> tuple[str, float]:
    above, below = quotient.split("/")
    return f"{below}/{above}", 1.0


def _cost(name: str, exponent: float) -> float:
    return 0.5 + (abs(exponent) if abs(exponent) >= 1 else 1.5) * (1.0 if name in ("2", "C", "M") else 1.1)


def _power(name: str, exponent: float) -> str:
    if exponent == 0.5:
        return f"sqrt({name})"
    return name if exponent == 1 else f"{name}^{exponent:g}"
