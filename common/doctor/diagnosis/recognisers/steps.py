"""Which rule made Adam's steps: known optimizers are run from the port's own gradients, and their steps compared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference, unit_of
from common.oracle import Run
from common.recipes import Adam, adam_of
from common.tensors import ADAM_STEPS, Array, TensorName

_LEAST = 1e-300
_OF_A_STEP = 0.05
_FEWEST = 2  # steps: the first alone has too many explanations

Rule = Callable[[Sequence[Array], float], Array]  # the update from all gradients so far and the learning rate


@dataclass(frozen=True)
class _Moments:
    """Adam's two running means, with what ports make of them."""

    beta1: float
    beta2: float
    epsilon: float
    corrected: tuple[bool, bool] = (True, True)
    steps_late: int = 0

    def means(self, gradients: Sequence[Array]) -> Iterator[tuple[Array, Array]]:
        """Both means after each gradient."""
        first = second = np.zeros(gradients[0].shape)
        for gradient in gradients:
            first = self.beta1 * first + (1 - self.beta1) * gradient
            second = self.beta2 * second + (1 - self.beta2) * gradient**2
            yield first, second

    def __call__(self, gradients: Sequence[Array], rate: float) -> Array:
        *_, (first, second) = self.means(gradients)
        step = len(gradients) + self.steps_late
        first = first / (1 - self.beta1**step) if self.corrected[0] else first
        second = second / (1 - self.beta2**step) if self.corrected[1] else second
        return np.asarray(rate * first / (np.sqrt(second) + self.epsilon))


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
        for words, values, rule in _rules(settings)
        if (left := _left(points, gradients, settings, rule)) <= tolerance
    ]
    if not fits:
        adam = _Moments(settings.beta1, settings.beta2, settings.epsilon)
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
    black, white = (np.asarray(run.maps.to_pixels(np.full(run.case.image.shape, level))) for level in (0.0, 1.0))
    yield "the range of RGB", (np.minimum(black, white), np.maximum(black, white))
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


def _rules(settings: Adam) -> Iterator[tuple[str, dict[str, float | str], Rule]]:
    right = _Moments(settings.beta1, settings.beta2, settings.epsilon)
    for beta1, beta2 in product((0.9, 0.99, 0.95, 0.8, 0.5, 0.0), (0.999, 0.99, 0.9, 0.9999, 0.95)):
        if (beta1, beta2) != (right.beta1, right.beta2):
            yield "Adam's betas", {"beta1": beta1, "beta2": beta2}, replace(right, beta1=beta1, beta2=beta2)
    for how, adam in _adams(right):
        yield "Adam", {"how": how}, adam
    for name, rule in _others():
        yield "optimizer", {"name": name}, rule


def _adams(right: _Moments) -> Iterator[tuple[str, Rule]]:
    yield "without bias corrections", replace(right, corrected=(False, False))
    yield "without the second moment's bias correction", replace(right, corrected=(True, False))
    yield "without the first moment's bias correction", replace(right, corrected=(False, True))
    yield "with the bias corrections of the step after", replace(right, steps_late=1)
    yield "with its moments forgotten after every step", lambda gradients, rate: right(gradients[-1:], rate)
    yield (
        "of gradients that are added up and never set to zero",
        lambda gradients, rate: right(_summed(gradients), rate),
    )
    yield "that climbs: its steps have the opposite sign", lambda gradients, rate: -right(gradients, rate)
    yield "with the largest second moment so far (AMSGrad)", partial(_amsgrad, right)
    yield "with Nesterov momentum (NAdam without its momentum decay)", partial(_nadam, right)
    yield "with Nesterov momentum (PyTorch's NAdam)", partial(_decaying_nadam, right, 0.004)
    yield "with Nesterov momentum (Keras' Nadam)", partial(_decaying_nadam, right, 1.0)
    yield "with the largest gradient in the second moment's place (Adamax)", partial(_adamax, right)
    yield "without the second moment (as RAdam begins)", partial(_first_moment, right)


def _others() -> Iterator[tuple[str, Rule]]:
    yield "plain gradient descent", lambda gradients, rate: rate * gradients[-1]
    yield "gradient descent by the sign", lambda gradients, rate: rate * np.sign(gradients[-1])
    for mu in (0.9, 0.99, 0.5):
        yield f"momentum {mu:g}", partial(_momentum, mu, False)
        yield f"Nesterov momentum {mu:g}", partial(_momentum, mu, True)
    for rho, epsilon in product((0.9, 0.99), (1e-8, 1e-7)):
        yield f"RMSprop with a decay of {rho:g}", partial(_rmsprop, rho, epsilon)
        yield f"RMSprop with a decay of {rho:g}, epsilon under the root", partial(_rmsprop_of_keras, rho, epsilon)
    yield "Adadelta", partial(_adadelta, 0.9, 1e-6)
    yield "Adadelta with Keras' decay", partial(_adadelta, 0.95, 1e-7)
    yield "Lion", _lion
    yield (
        "Adagrad of Keras",
        lambda gradients, rate: rate * gradients[-1] / np.sqrt(0.1 + sum(it**2 for it in gradients) + 1e-7),
    )
    yield "Adagrad", lambda gradients, rate: rate * gradients[-1] / (np.sqrt(sum(it**2 for it in gradients)) + 1e-10)


def _by_decay(points: Sequence[Array], gradients: Sequence[Array], settings: Adam, tolerance: float) -> Iterator[Clue]:
    """Adam's own steps, each times a factor, or with a part of the point: weight decay."""
    right = _Moments(settings.beta1, settings.beta2, settings.epsilon)
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


def _summed(gradients: Sequence[Array]) -> list[Array]:
    return list(np.cumsum(np.stack(gradients), axis=0))


def _momentum(mu: float, nesterov: bool, gradients: Sequence[Array], rate: float) -> Array:
    velocity = np.zeros(gradients[0].shape)
    for gradient in gradients:
        velocity = mu * velocity + gradient
    return rate * (gradients[-1] + mu * velocity) if nesterov else rate * velocity


def _rmsprop(rho: float, epsilon: float, gradients: Sequence[Array], rate: float) -> Array:
    mean = np.zeros(gradients[0].shape)
    for gradient in gradients:
        mean = rho * mean + (1 - rho) * gradient**2
    return np.asarray(rate * gradients[-1] / (np.sqrt(mean) + epsilon))


def _amsgrad(right: _Moments, gradients: Sequence[Array], rate: float) -> Array:
    means = list(right.means(gradients))
    first, largest = means[-1][0], np.maximum.reduce([second for _, second in means])
    step = len(gradients)
    root = np.sqrt(largest / (1 - right.beta2**step)) + right.epsilon
    return np.asarray(rate * first / (1 - right.beta1**step) / root)


def _nadam(right: _Moments, gradients: Sequence[Array], rate: float) -> Array:
    *_, (first, second) = right.means(gradients)
    step, now = len(gradients), (1 - right.beta1) * gradients[-1]
    ahead = right.beta1 * first / (1 - right.beta1 ** (step + 1)) + now / (1 - right.beta1**step)
    return np.asarray(rate * ahead / (np.sqrt(second / (1 - right.beta2**step)) + right.epsilon))


def _decaying_nadam(right: _Moments, decay: float, gradients: Sequence[Array], rate: float) -> Array:
    """NAdam whose momentum grows with the steps (Dozat 2016)."""
    *_, (first, second) = right.means(gradients)
    step = len(gradients)
    momenta = [right.beta1 * (1 - 0.5 * 0.96 ** (at * decay)) for at in range(1, step + 2)]
    root = np.sqrt(second / (1 - right.beta2**step)) + right.epsilon
    now = (1 - momenta[step - 1]) / (1 - np.prod(momenta[:step])) * gradients[-1]
    return np.asarray(rate * (now + momenta[step] / (1 - np.prod(momenta)) * first) / root)


def _adamax(right: _Moments, gradients: Sequence[Array], rate: float) -> Array:
    *_, (first, _) = right.means(gradients)
    largest = np.zeros(first.shape)
    for gradient in gradients:
        largest = np.maximum(right.beta2 * largest, np.abs(gradient) + right.epsilon)
    return np.asarray(rate * first / (1 - right.beta1 ** len(gradients)) / largest)


def _first_moment(right: _Moments, gradients: Sequence[Array], rate: float) -> Array:
    *_, (first, _) = right.means(gradients)
    return np.asarray(rate * first / (1 - right.beta1 ** len(gradients)))


def _rmsprop_of_keras(rho: float, epsilon: float, gradients: Sequence[Array], rate: float) -> Array:
    mean = np.zeros(gradients[0].shape)
    for gradient in gradients:
        mean = rho * mean + (1 - rho) * gradient**2
    return np.asarray(rate * gradients[-1] / np.sqrt(mean + epsilon))


def _adadelta(rho: float, epsilon: float, gradients: Sequence[Array], rate: float) -> Array:
    mean = moved = step = np.zeros(gradients[0].shape)
    for gradient in gradients:
        mean = rho * mean + (1 - rho) * gradient**2
        step = np.sqrt(moved + epsilon) / np.sqrt(mean + epsilon) * gradient
        moved = rho * moved + (1 - rho) * step**2
    return np.asarray(rate * step)


def _lion(gradients: Sequence[Array], rate: float) -> Array:
    mean = step = np.zeros(gradients[0].shape)
    for gradient in gradients:
        step, mean = np.sign(0.9 * mean + 0.1 * gradient), 0.99 * mean + 0.01 * gradient
    return np.asarray(rate * step)
