"""What a Gram matrix or a target is in the place of what it should be: another form, or of another layer."""

from collections.abc import Iterator, Mapping

import numpy as np

from common.distances import best_factor
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference
from common.doctor.diagnosis.recognisers.sizes import expression, sizes_at
from common.doctor.hypotheses import GRAM_FORMS
from common.oracle import Run, gram
from common.tensors import Array, TensorName
from common.vgg19 import LAYERS, cut, layer


def gram_of_another_kind(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The form of a Gram matrix, or the layer that it is of, with its factor; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    tap = TensorName.parse(name).tap
    if TensorName.parse(name).kind not in ("gram", "target/style") or got.ndim != 2:
        return
    for kind, values, candidate in _candidates(name, tap, run):
        factor, left = best_factor(got, candidate) if candidate.shape == got.shape else (0.0, np.inf)
        if left > tolerance:
            continue
        words = "1" if abs(factor - 1) < tolerance else _in_words(name, values, factor, judge)
        if words is not None:
            yield Clue(kind, {**values, "factor": words, "left": left})
            return


def _in_words(name: str, values: Mapping[str, str], factor: float, judge: Judge) -> str | None:
    """The factor as a product of sizes: that which holds at the other taps too, where they have the same form."""
    run, tolerance, factors = judge.own, judge.tolerance(name), [(factor, sizes_at(judge.own, name))]
    kind = TensorName.parse(name).kind
    for other in (it for it in run.given if TensorName.parse(it).kind == kind and it != name and "form" in values):
        candidate = _of_form(other, values["form"], run)
        theirs = np.asarray(run.given[other], np.float64)
        its_factor, left = best_factor(theirs, candidate) if candidate.shape == theirs.shape else (0.0, np.inf)
        if left <= tolerance:
            factors.append((its_factor, sizes_at(run, other)))
    return expression(factors, tolerance) or expression(factors[:1], tolerance)


def _of_form(name: str, form: str, run: Run) -> Array:
    tap = TensorName.parse(name).tap
    target = run.coefficients.style[tap].target_scale if name.startswith("target/") else 1.0
    return np.asarray(target * GRAM_FORMS[form](_feature(name, tap, run)))


def _candidates(name: str, tap: str, run: Run) -> Iterator[tuple[str, dict[str, str], Array]]:
    for form in GRAM_FORMS:
        yield "Gram form", {"form": form}, _of_form(name, form, run)
    target = run.coefficients.style[tap].target_scale if name.startswith("target/") else 1.0
    for other in cut(run.taps):
        if other.out_channels == layer(tap).out_channels and other.name != tap:
            matrix = target * gram(_feature(name, other.name, run))
            yield "Gram of another layer", {"layer": other.name, "tap": tap}, matrix


def map_of_another_layer(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The layer that a content target is taken from; at most one clue."""
    parsed, run = TensorName.parse(name), judge.own
    if parsed.kind != "target/content":
        return
    channels = layer(parsed.tap).out_channels
    for other in (each.name for each in LAYERS if each.out_channels == channels and each.name != parsed.tap):
        if difference(got, run.layer_of_picture("content", other)).relative <= judge.tolerance(name):
            yield Clue("target of another layer", {"layer": other, "tap": parsed.tap})
            return


def _feature(name: str, at: str, run: Run) -> Array:
    return np.asarray(run.layer_of_picture("style", at) if name.startswith("target/") else run.layer(at), np.float64)
