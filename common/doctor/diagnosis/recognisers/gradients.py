"""What a gradient is made of: how much of each term's own gradient, and what was done to it afterwards."""

from collections.abc import Iterator

import numpy as np

from common.distances import best_factor, relative_l2
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.sizes import Sizes, expression, is_round, of_terms, sizes_at
from common.oracle import Run, gradient_of_input
from common.tensors import Array, Arrays, TensorName

_CLOSE = 1e-4  # what is said of a whole gradient, whatever the precision
_NEGLIGIBLE = 1e-4  # of the gradient: a part that is smaller is taken as right
_ROUND = 2e-3
_SHOWN, _ABOVE_ROUNDING = 5, 20
_LEAST = 1e-300


def made_of_other_parts(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """What a gradient lacks, doubles, negates or multiplies, of kinds of terms or of each; at most one clue."""
    run = judge.own
    if TensorName.parse(name).stage != "gradient" or got.shape != run.expected(name).shape:
        return
    parts = {label: np.asarray(part, np.float64).ravel() for label, part in _parts(name, run).items()}
    wanted, sizes = got.astype(np.float64).ravel(), sizes_at(run, name)
    for grouped in (parts,) if TensorName.parse(name).tap else (_by_kind(parts), parts):
        factors, left = _fitted(grouped, wanted, judge.tolerance(name))
        if left <= judge.tolerance(name) and (words := _in_words(factors, sizes)):
            yield Clue("gradient's parts", {"changes": words, "left": left})
            return


def _by_kind(parts: Arrays) -> Arrays:
    """The parts of the content terms, of the style terms, and the others, summed."""
    kinds: dict[str, Array] = {}
    for label, part in parts.items():
        kind = label.split("/")[1] if label.count("/") == 2 else ""
        key = f"all {kind} terms" if kind else label
        kinds[key] = kinds.get(key, np.zeros(part.size)) + part
    return kinds


def _fitted(parts: Arrays, wanted: Array, tolerance: float) -> tuple[dict[str, float], float]:
    """By what each part is multiplied, where that is not 1, and the relative difference that is left."""
    norm = max(float(np.linalg.norm(wanted)), _LEAST)
    counted = {label: part for label, part in parts.items() if np.linalg.norm(part) > _NEGLIGIBLE * norm}
    rest = wanted - sum((part for label, part in parts.items() if label not in counted), np.zeros(wanted.size))
    if len(counted) < 2:
        return {}, np.inf
    basis = np.stack(list(counted.values()), axis=1)
    scale = np.linalg.norm(basis, axis=0)
    factors, *_ = np.linalg.lstsq(basis / scale, rest, rcond=1e-9)
    factors = factors / scale
    left = float(np.linalg.norm(basis @ factors - rest)) / norm
    # A part that is hardly told from the others has a factor of its own by rounding alone.
    shown = _SHOWN * min(tolerance, _ABOVE_ROUNDING * left) * norm
    return {
        label: factor if abs(factor) * float(np.linalg.norm(part)) > shown else 0.0
        for (label, part), factor in zip(counted.items(), factors.tolist(), strict=True)
        if abs(factor - 1) * float(np.linalg.norm(part)) > shown and abs(factor - 1) > _ROUND / 10
    }, left


def _in_words(factors: dict[str, float], sizes: Sizes) -> tuple[str, ...]:
    words: list[str] = []
    for label, factor in factors.items():
        if factor == 0:
            words.append(f"without that of {label}")
        elif abs(factor + 1) < _ROUND:
            words.append(f"with the opposite sign of that of {label}")
        elif (found := expression([(factor, of_terms(_kind_of(label), sizes))], _ROUND / 10)) is not None:
            words.append(f"{found} times that of {label}")
        else:
            words.append(f"{factor:.4g} times that of {label}")
    return tuple(words)


def _kind_of(label: str) -> str:
    return next((kind for kind in ("content", "style", "tv") if kind in label), "")


def _parts(name: str, run: Run) -> Arrays:
    """The gradient of each term, at a tap those of its own terms and what comes from deeper layers."""
    terms = list(run.terms)
    if tap := TensorName.parse(name).tap:
        terms = [f"{role}/{tap}" for role in ("content", "style") if tap in getattr(run.coefficients, role)]
    elif any(given.startswith("gradient/features/") for given in run.given):
        terms = ["tv"] if "tv" in terms else []
    labels = {term: f"its own {term.split('/')[0]} term" if tap else f"loss/{term}" for term in terms}
    parts = {label: _of_the_term_alone(name, term, run) for term, label in labels.items()}
    deeper = run.expected(name) - sum(parts.values(), np.zeros(run.expected(name).shape))
    if len(terms) < len(run.terms):
        parts["the deeper layers"] = deeper
    return parts


def _of_the_term_alone(name: str, term: str, run: Run) -> Array:
    """What a term adds: the gradient as it is, less the gradient without the term."""
    variant = run.variant.changed({"term_scale": {term: 0.0}})
    if variant is None:
        return np.zeros(run.expected(name).shape)
    given = {tensor: array for tensor, array in run.given.items() if tensor != name}
    return np.asarray(run.expected(name) - Run(run.case, variant, given, run).expected(name))


def changed_afterwards(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """What was done to a gradient as a whole: divided by one of its norms, its signs alone."""
    run, tolerance = judge.own, min(judge.tolerance(name), _CLOSE)
    if TensorName.parse(name).stage != "gradient" or got.shape != run.expected(name).shape:
        return
    right = np.asarray(run.expected(name), np.float64)
    if not right.any():
        return
    norms = {
        "the sum of its absolute values": float(np.abs(right).sum()),
        "the mean of its absolute values": float(np.abs(right).mean()),
        "its norm": float(np.linalg.norm(right)),
        "its largest absolute value": float(np.abs(right).max()),
        "its standard deviation": float(right.std()),
    }
    for words, norm in norms.items():
        if np.linalg.norm(got * norm - right) <= tolerance * np.linalg.norm(right):
            yield Clue("gradient divided", {"norm": words})
            return
    factor, left = best_factor(got, right)
    if left <= tolerance and 0 < factor < 1 and is_round(norm := float(np.linalg.norm(got))):
        yield Clue("gradient clipped", {"norm": norm})
        return
    if np.array_equal(np.sign(got), got) and np.mean(np.sign(right) == got) > 1 - _ROUND:
        yield Clue("gradient's signs", {})


def gradient_of_the_input(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """Whether the derivative is that with respect to the network's input; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    if name != "gradient/pixels" or got.shape != run.case.image.shape:
        return
    of_input = gradient_of_input(run)
    if relative_l2(of_input, run.maps.pull_back(of_input)) <= tolerance:  # the variable is the network's input
        return
    # Total variation may be left to the variable, or be a function of the input too.
    right = np.asarray(run.expected(name), np.float64)
    whole = right / run.maps.pull_back(np.ones(got.shape))
    if relative_l2(run.maps.pull_back(whole), right) > tolerance:
        whole = whole[..., ::-1]  # the input's channels are in another order than the variable's
    of_taps = run.maps.pull_back(of_input)
    of_tv = right - of_taps  # which may be of the variable all the same
    for of_all in (of_input, whole):
        for words, other in {"": of_all, ", its channels reversed": of_all[..., ::-1]}.items():
            if min(relative_l2(got, other), relative_l2(got, other + of_tv)) <= tolerance:
                yield Clue("gradient of the input", {"reversed": words})
                return
    if not run.variant.flat_chw:
        yield from _by_channel(np.asarray(got, np.float64), of_taps, of_tv, min(tolerance, _CLOSE))


def _by_channel(got: Array, of_taps: Array, of_tv: Array, tolerance: float) -> Iterator[Clue]:
    """Whether each channel of what comes from the taps is multiplied by a factor of its own."""
    factors = ((got - of_tv) * of_taps).sum(axis=(0, 1)) / np.maximum((of_taps**2).sum(axis=(0, 1)), _LEAST)
    differ = np.ptp(factors) > tolerance * np.abs(factors).max()
    if differ and relative_l2(got, factors * of_taps + of_tv) <= tolerance:
        yield Clue("gradient by channel", {"factors": tuple(factors.tolist())})
