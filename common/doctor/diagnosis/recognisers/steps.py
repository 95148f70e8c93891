"""Which rule made Adam's steps: known optimizers are run from the port's own gradients, and their steps compared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.recipes import Adam, adam_of
from common.tensors import ADAM_STEPS, Array, TensorName

_LEAST = 1e-300
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


def rule_of_steps(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The rule that gives all the steps that are handed over, from the port's own gradients; at most one clue."""
    run, tolerance = judge.own, judge.tolerance(name)
    parsed = TensorName.parse(name)
    if parsed.kind != "adam/pixels":
        return
    points = [np.asarray(run.value("pixels"), np.float64)]
    gradients: list[Array] = []
    for step in range(1, ADAM_STEPS + 1):
        tensor = f"adam/{step}/pixels"
        point = got if tensor == name else run.given.get(tensor)
        if point is None or point.shape != points[0].shape:
            break
        gradients.append(np.asarray(run.value(f"adam/{step}/gradient"), np.float64))
        points.append(np.asarray(point, np.float64))
    if len(gradients) < _FEWEST:
        return
    settings = adam_of(run.case.problem.recipe)
    fits = [
        (left, words, values)
        for words, values, rule in _rules(settings)
        if (left := _left(points, gradients, settings, rule)) <= tolerance
    ]
    if fits:
        left, words, values = min(fits, key=lambda fit: fit[0])
        yield Clue(words, {**values, "steps": len(gradients), "left": left})
        return
    yield from _by_decay(points, gradients, settings, tolerance)


def _left(points: Sequence[Array], gradients: Sequence[Array], settings: Adam, rule: Rule) -> float:
    """The largest relative difference of a step."""
    worst = 0.0
    for count in range(1, len(gradients) + 1):
        taken = points[count - 1] - points[count]
        predicted = rule(gradients[:count], settings.rate_at(count - 1))
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


def _others() -> Iterator[tuple[str, Rule]]:
    yield "plain gradient descent", lambda gradients, rate: rate * gradients[-1]
    yield "gradient descent by the sign", lambda gradients, rate: rate * np.sign(gradients[-1])
    for mu in (0.9, 0.99, 0.5):
        yield f"momentum {mu:g}", partial(_momentum, mu, False)
        yield f"Nesterov momentum {mu:g}", partial(_momentum, mu, True)
    for rho, epsilon in product((0.9, 0.99), (1e-8, 1e-7)):
        yield f"RMSprop with a decay of {rho:g}", partial(_rmsprop, rho, epsilon)
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
