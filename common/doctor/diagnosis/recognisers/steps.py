"""Which rule made Adam's steps: known optimizers are run from the port's own gradients, and their steps compared."""

from collections.abc import Iterator, Sequence

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference, unit_of
from common.doctor.diagnosis.recognisers.update_rules import Moments, Rule, rules
from common.oracle import Run
from common.recipes import Adam, adam_of
from common.tensors import ADAM_STEPS, Array, TensorName

_LEAST = 1e-300
_OF_A_STEP = 0.05  # how far a point may be off: no two steps are as near
_NEARER = 0.1
_FEWEST = 2  # steps: the first alone has too many explanations


def points_a_step_early(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """Whether each point is what the reference has one step before; at most one clue."""
    points = _points(name, got, judge.own)
    if len(points) <= _FEWEST or not np.array_equal(points[0], points[1]):
        return
    first, second = (judge.given.get(f"adam/{step}/gradient") for step in (1, 2))
    if first is not None and second is not None and np.array_equal(first, second):
        return  # the port did not step
    for step, point in enumerate(points[2:], start=1):
        tensor = f"adam/{step}/pixels"
        if difference(point, judge.right.expected(tensor), unit_of(tensor, judge.right)).relative > _OF_A_STEP:
            return
    yield Clue("steps early", {"steps": len(points) - 1})


def gradients_added_up(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """Whether the gradient of one of Adam's steps was added to that of the step before; at most one clue."""
    step = TensorName.parse(name).step
    before = judge.given.get(f"adam/{(step or 1) - 1}/gradient")
    if TensorName.parse(name).kind == "adam/gradient" and before is not None and before.shape == got.shape:
        expected = judge.own.expected(name)
        left, doubled = (difference(got, it).relative for it in (before + expected, 2 * expected))
        if left <= min(judge.tolerance(name), _NEARER * doubled):
            yield Clue("gradients added up", {})


def _points(name: str, got: Array, run: Run) -> list[Array]:
    """The variable and the points after Adam's steps, as far as these are handed over; nothing for other tensors."""
    if TensorName.parse(name).kind != "adam/pixels":
        return []
    points = [np.asarray(run.value("pixels"), np.float64)]
    for step in range(1, ADAM_STEPS + 1):
        tensor = f"adam/{step}/pixels"
        point = got if tensor == name else run.given.get(tensor)
        if point is None or point.shape != points[0].shape:
            break
        points.append(np.asarray(point, np.float64))
    return points


def rule_of_steps(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The rule that gives all the steps that are handed over, from the port's own gradients; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    points = _points(name, got, run)
    if len(points) <= _FEWEST:
        return
    gradients = [np.asarray(run.value(f"adam/{step}/gradient"), np.float64) for step in range(1, len(points))]
    settings = adam_of(run.case.problem.recipe)
    fits = [
        (left, words, values)
        for words, values, rule in rules(settings)
        if (left := _left(points, gradients, settings, rule)) <= tolerance
    ]
    if not fits:
        adam = Moments(settings.beta1, settings.beta2, settings.epsilon)
        fits = [
            (left, "Adam", {"how": f"with the image clamped to {words} after each"})
            for words, limits in _ranges(run)
            if (left := _left(points, gradients, settings, adam, limits)) <= tolerance
        ]
    if fits:
        left, words, values = min(fits, key=lambda fit: fit[0])
        alike = [it["name"] for other, kind, it in fits if kind == words == "optimizer" and other == left]
        values = {"name": " or ".join(map(str, alike))} if alike else values
        yield Clue(words, {**values, "steps": len(gradients), "left": left})
        return
    yield from _by_decay(points, gradients, settings, tolerance)


def _ranges(run: Run) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """The ranges that ports clamp their variable to."""
    yield "the range of RGB", run.maps.range_of_rgb(run.case.image.shape)
    for low, high in ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0), (-127.5, 127.5)):
        yield f"{low:g} to {high:g}", (np.asarray(low), np.asarray(high))


def _left(
    points: Sequence[Array],
    gradients: Sequence[Array],
    settings: Adam,
    rule: Rule,
    limits: tuple[Array, Array] | None = None,
) -> float:
    """The largest relative difference of a step, which `limits` end."""
    worst = 0.0
    for count in range(1, len(gradients) + 1):
        taken = points[count - 1] - points[count]
        predicted = rule(gradients[:count], settings.rate_at(count - 1))
        if limits is not None:
            predicted = points[count - 1] - np.clip(points[count - 1] - predicted, *limits)
        worst = max(worst, float(np.linalg.norm(taken - predicted)) / max(float(np.linalg.norm(taken)), _LEAST))
    return worst


def _by_decay(points: Sequence[Array], gradients: Sequence[Array], settings: Adam, tolerance: float) -> Iterator[Clue]:
    """Adam's own steps, each times a factor, or with a part of the point: weight decay."""
    right = Moments(settings.beta1, settings.beta2, settings.epsilon)
    factors, decays, left = [], [], [0.0, 0.0]
    for count in range(1, len(gradients) + 1):
        taken, point = points[count - 1] - points[count], points[count - 1]
        step = right(gradients[:count], settings.rate_at(count - 1))
        norm = max(float(np.linalg.norm(taken)), _LEAST)
        factors.append(float(np.vdot(taken, step) / max(float(np.vdot(step, step)), _LEAST)))
        decays.append(float(np.vdot(taken - step, point) / max(float(np.vdot(point, point)), _LEAST)))
        left[0] = max(left[0], float(np.linalg.norm(taken - factors[-1] * step)) / norm)
        left[1] = max(left[1], float(np.linalg.norm(taken - step - decays[-1] * point)) / norm)
    if left[1] <= tolerance and min(decays) > 0:
        decay = decays[0] / settings.rate_at(0)
        yield Clue("weight decay", {"decay": decay, "steps": len(gradients), "left": left[1]})
    elif left[0] <= tolerance:
        yield Clue("rates", {"factors": tuple(factors), "left": left[0]})
