"""What a loss is in the place of what it should be: another form, another layer's, a sum of other terms."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.sizes import CLOSE, Sizes, expression, is_round, of_terms, sizes_at
from common.oracle import Run, difference_at, gram
from common.tensors import Array, TensorName
from common.vgg19 import cut, layer

_LEAST = 1e-300
_FEW = 2
_WEIGHTS = {0.0: "without", 2.0: "with twice", -1.0: "with the opposite sign of", 0.5: "with half of"}
_SUBSTANTIAL = 1e-3  # two terms of which one is less of the total prove nothing
_CHANCE = 0.05  # that one of many sums comes as close, of which more proves nothing


def term_of_another_kind(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The form of a term, or the layer that it is of; at most one clue."""
    parsed, run, tolerance = TensorName.parse(name), judge.own, min(judge.tolerance(name), CLOSE)
    if got.size != 1 or parsed.kind not in ("loss/content", "loss/style"):
        return
    value, right = float(got.item()), float(run.expected(name))
    difference = np.asarray(difference_at(run, parsed.role, parsed.tap), np.float64)
    k = right / max(float(np.sum(difference**2)), _LEAST)
    alone = {"the square root": np.sqrt(right), "the square": right**2}
    of = [Clue("power", {"of": form}) for form, size in alone.items() if abs(value - size) <= tolerance * abs(value)]
    of += [
        Clue("term of another layer", {"layer": other, "tap": parsed.tap})
        for other, size in _of_other_layers(parsed, run)
        if abs(k * size - value) <= tolerance * abs(value)
    ]
    yield from of[:1] or _other_forms(value, difference, (k, 1.0, _weight(parsed, run)), sizes_at(run, name), tolerance)


def weight_of_terms(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The weight that a kind of terms has, where several terms are off by one factor; at most one clue."""
    yield from _weight_of(name, got, judge, alone=False)


def weight_of_a_term(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The same of a single term, where the weight is a number that somebody would choose; at most one clue.

    Whatever is wrong with a single term gives it some factor.
    """
    yield from _weight_of(name, got, judge, alone=True)


def _weight_of(name: str, got: Array, judge: Judge, alone: bool) -> Iterator[Clue]:
    run, kind = judge.own, TensorName.parse(name).kind
    if not kind.startswith("loss/") or kind == "loss/total" or got.size != 1:
        return
    given = {it: run.given[it] for it in run.given if TensorName.parse(it).kind == kind} | {name: got}
    expected = {it: float(run.expected(it)) for it in given}
    factors = [float(given[it].item()) / expected[it] for it in given if expected[it]]
    if not factors or np.ptp(factors) > judge.tolerance(name) * abs(factors[0]) or abs(factors[0]) < _SUBSTANTIAL**2:
        return
    terms = kind.removeprefix("loss/")
    right = getattr(run.case.problem.recipe, f"{terms}_weight")
    if (len(factors) == 1) != alone or (alone and not is_round(right * factors[0])):
        return
    sizes = [
        {symbol: size for symbol, size in sizes_at(run, it).items() if not symbol.endswith("weight")}
        for it in given
        if expected[it]
    ]
    product = expression(list(zip(factors, sizes, strict=True)), min(judge.tolerance(name), CLOSE))
    chosen = is_round(right * factors[0])
    words = f": a {terms} weight of {right * factors[0]:.6g} instead of {right:.6g}" if chosen else ""
    words += f", {'or ' if chosen else ''}a factor of {product}" if product else ""
    yield Clue("weight", {"terms": terms, "factor": factors[0], "how": words})


def _other_forms(
    value: float, difference: Array, weights: Sequence[float], sizes: Sizes, tolerance: float
) -> Iterator[Clue]:
    for form, size in _forms(difference):
        for weight in (each for each in weights if each and size):
            if (found := expression([(value / (weight * size), sizes)], tolerance)) is not None:
                yield Clue("term form", {"form": form, "factor": found})
                return


def _weight(name: TensorName, run: Run) -> float:
    recipe = run.case.problem.recipe
    return recipe.content_weight if name.role == "content" else recipe.style_weight


def _forms(difference: Array) -> Iterator[tuple[str, float]]:
    absolute = np.abs(difference)
    yield "the sum of absolute differences", float(absolute.sum())
    yield "the square root of the sum of squares", float(np.linalg.norm(difference))
    if absolute.min(initial=0.0) < 1 < absolute.max(initial=0.0):
        yield "the Huber loss", float(np.where(absolute < 1, difference**2 / 2, absolute - 0.5).sum())
    yield "the sum of fourth powers", float((difference**4).sum())
    yield "the square of the sum of squares", float(np.sum(difference**2)) ** 2
    if difference.ndim == 2:
        yield "the sum of squares of the upper half", float((np.triu(difference) ** 2).sum())
    yield "the largest absolute difference", float(absolute.max(initial=0.0))


def _of_other_layers(name: TensorName, run: Run) -> Iterator[tuple[str, float]]:
    """The squared differences of other layers of as many channels, computed from the port's own feature maps."""
    for other in cut(run.taps):
        if other.name == name.tap or other.out_channels != layer(name.tap).out_channels:
            continue
        ours = np.asarray(run.layer(other.name), np.float64)
        theirs = np.asarray(run.layer_of_picture(name.role, other.name), np.float64)
        if name.role == "style":
            ours, theirs = gram(ours), run.coefficients.style[name.tap].target_scale * gram(theirs)
        if ours.shape == theirs.shape:
            yield other.name, float(np.sum((ours - theirs) ** 2))


def sum_of_other_terms(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """Which terms the total leaves out, doubles, halves or subtracts, or by what a kind of term is multiplied."""
    run, tolerance = judge.own, min(judge.tolerance(name), CLOSE)
    if name != "loss/total" or got.size != 1:
        return
    total = float(got.item())
    excess, unit = total - sum(run.terms.values()), max(abs(total), _LEAST)
    close, least = tolerance * unit, _SUBSTANTIAL * unit
    changes = _changes(run)
    effects = {words: sum((by - 1) * run.terms[term] for term, by in each.items()) for words, each in changes.items()}
    substantial = [words for words, effect in effects.items() if abs(effect) > least]
    closest = min(close, _CHANCE * abs(excess) / max(1, len(effects)))
    single = next((words for words, effect in effects.items() if abs(effect - excess) <= closest), None)
    closest = min(close, _CHANCE * abs(excess) / max(1, comb(len(substantial), 2)))
    pairs = [
        it
        for it in combinations(substantial, 2)
        if changes[it[0]].keys().isdisjoint(changes[it[1]]) and abs(effects[it[0]] + effects[it[1]] - excess) <= closest
    ]
    if single is not None or len(pairs) == 1:
        chosen = (single,) if single is not None else pairs[0]
        left = abs(sum(effects[words] for words in chosen) - excess) / unit
        scales = {term: by for words in chosen for term, by in changes[words].items()}
        yield Clue("sum of other terms", {"changes": chosen, "left": left, **_as_values(scales)})
        return
    yield from _with_a_factor(excess, least, sizes_at(run, name), run, tolerance)


def _with_a_factor(excess: float, least: float, sizes: Sizes, run: Run, tolerance: float) -> Iterator[Clue]:
    for kind in ("content", "style", "tv"):
        size = sum(run.terms[term] for term in _terms_of(kind, run))
        if abs(size) <= least:
            continue
        factor = 1 + excess / size
        found = expression([(factor, of_terms(kind, sizes))], tolerance)
        found = found or (f"{factor:.3g}" if is_round(factor) else None)
        if found is not None:
            scales = dict.fromkeys(_terms_of(kind, run), factor)
            yield Clue("sum with a factor", {"terms": kind, "factor": found, **_as_values(scales)})
            return


def scales_of(clue: Clue) -> dict[str, float]:
    """By what each term is multiplied in a sum of other terms."""
    return dict(zip(clue.values["scaled"], clue.values["by"], strict=True))  # type: ignore[arg-type]


def _as_values(scales: Mapping[str, float]) -> dict[str, tuple[str, ...] | tuple[float, ...]]:
    return {"scaled": tuple(scales), "by": tuple(scales.values())}


def _changes(run: Run) -> dict[str, dict[str, float]]:
    """By what each term is multiplied in every sum that is tried, in words; those that come to the same once."""
    kinds = {kind: _terms_of(kind, run) for kind in ("content", "style", "tv")}
    tried = [
        (f"{words} {what}", dict.fromkeys(terms, weight))
        for what, terms in {**kinds, **{term: [term] for term in run.terms}}.items()
        for weight, words in _WEIGHTS.items()
    ]
    tried += [
        (f"without {kind} but for {kept}", {term: 0.0 for term in terms if term != kept})
        for kind, terms in kinds.items()
        for kept in terms
        if len(terms) > _FEW
    ]
    changes: dict[frozenset[tuple[str, float]], str] = {}
    for words, scales in tried:
        if scales:
            changes.setdefault(frozenset(scales.items()), words)
    return {words: dict(scales) for scales, words in changes.items()}


def _terms_of(kind: str, run: Run) -> list[str]:
    return [term for term in run.terms if term.split("/")[0] == kind]
