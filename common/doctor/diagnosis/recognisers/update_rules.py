"""The rules of optimizers that ports take for Adam, each from all gradients so far and the learning rate."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np

from common.recipes import Adam
from common.tensors import Array

Rule = Callable[[Sequence[Array], float], Array]  # the update from all gradients so far and the learning rate


@dataclass(frozen=True)
class Moments:
    """Adam's two running means, with what ports make of them."""

    beta1: float
    beta2: float
    epsilon: float
    corrected: tuple[bool, bool] = (True, True)
    steps_late: int = 0
    from_first: tuple[bool, bool] = (False, False)  # whether a mean starts at the first value, not at zero

    def means(self, gradients: Sequence[Array]) -> Iterator[tuple[Array, Array]]:
        """Both means after each gradient."""
        first, second = self.from_first[0] * gradients[0], self.from_first[1] * gradients[0] ** 2
        for gradient in gradients:
            first = self.beta1 * first + (1 - self.beta1) * gradient
            second = self.beta2 * second + (1 - self.beta2) * gradient**2
            yield first, second

    def __call__(self, gradients: Sequence[Array], rate: float) -> Array:
        """The update from all gradients so far."""
        *_, (first, second) = self.means(gradients)
        step = len(gradients) + self.steps_late
        first = first / (1 - self.beta1**step) if self.corrected[0] else first
        second = second / (1 - self.beta2**step) if self.corrected[1] else second
        return np.asarray(rate * first / (np.sqrt(second) + self.epsilon))


def rules(settings: Adam) -> Iterator[tuple[str, dict[str, float | str], Rule]]:
    """The kind of clue, its values, and the rule, of everything that ports take for Adam with these settings."""
    right = Moments(settings.beta1, settings.beta2, settings.epsilon)
    for beta1, beta2 in product((0.9, 0.99, 0.95, 0.8, 0.5, 0.0), (0.999, 0.99, 0.9, 0.9999, 0.95)):
        if (beta1, beta2) != (right.beta1, right.beta2):
            yield "Adam's betas", {"beta1": beta1, "beta2": beta2}, replace(right, beta1=beta1, beta2=beta2)
    for how, adam in _adams(right):
        yield "Adam", {"how": how}, adam
    for name, rule in _others():
        yield "optimizer", {"name": name}, rule


def _adams(right: Moments) -> Iterator[tuple[str, Rule]]:
    yield "without bias corrections", replace(right, corrected=(False, False))
    yield "without the second moment's bias correction", replace(right, corrected=(True, False))
    yield "without the first moment's bias correction", replace(right, corrected=(False, True))
    yield "with the bias corrections of the step after", replace(right, steps_late=1)
    for started, which in (((False, True), "second moment starts"), ((True, True), "moments start")):
        words = f"whose {which} at the first gradient (squared), not at zero"
        yield words, replace(right, from_first=started)
        yield f"{words}, and without bias corrections", replace(right, corrected=(False, False), from_first=started)
    adam = replace(right, corrected=(True, False), from_first=(False, True))
    yield "whose second moment starts at the first squared gradient and has no bias correction", adam
    yield "with its moments forgotten after every step", lambda gradients, rate: right(gradients[-1:], rate)
    yield (
        "of gradients that are added up and never set to zero",
        lambda gradients, rate: right(_summed(gradients), rate),
    )
    yield "that climbs: its steps have the opposite sign", lambda gradients, rate: -right(gradients, rate)
    yield "with the largest second moment so far (AMSGrad)", partial(_amsgrad, right)
    yield "with Nesterov momentum (NAdam without its momentum decay)", partial(_nadam, right, None)
    yield "with Nesterov momentum (PyTorch's NAdam)", partial(_nadam, right, 0.004)
    yield "with Nesterov momentum (Keras' Nadam)", partial(_nadam, right, 1.0)
    yield "with the largest gradient in the second moment's place (Adamax)", partial(_adamax, right)
    yield "without the second moment (as RAdam begins)", partial(_first_moment, right)


def _others() -> Iterator[tuple[str, Rule]]:
    yield "plain gradient descent", lambda gradients, rate: rate * gradients[-1]
    yield "gradient descent by the sign", lambda gradients, rate: rate * np.sign(gradients[-1])
    for mu in (0.9, 0.99, 0.5):
        yield f"momentum {mu:g}", partial(_momentum, mu, False)
        yield f"Nesterov momentum {mu:g}", partial(_momentum, mu, True)
    for rho, epsilon in product((0.9, 0.99), (1e-8, 1e-7)):
        yield f"RMSprop with a decay of {rho:g}", partial(_rmsprop, rho, epsilon, False)
        yield f"RMSprop with a decay of {rho:g}, epsilon under the root", partial(_rmsprop, rho, epsilon, True)
    yield "Adadelta", partial(_adadelta, 0.9, 1e-6)
    yield "Adadelta with Keras' decay", partial(_adadelta, 0.95, 1e-7)
    yield "Lion", _lion
    yield (
        "Adagrad of Keras",
        lambda gradients, rate: rate * gradients[-1] / np.sqrt(0.1 + sum(it**2 for it in gradients) + 1e-7),
    )
    yield "Adagrad", lambda gradients, rate: rate * gradients[-1] / (np.sqrt(sum(it**2 for it in gradients)) + 1e-10)


def _summed(gradients: Sequence[Array]) -> list[Array]:
    return list(np.cumsum(np.stack(gradients), axis=0))


def _momentum(mu: float, nesterov: bool, gradients: Sequence[Array], rate: float) -> Array:
    velocity = np.zeros(gradients[0].shape)
    for gradient in gradients:
        velocity = mu * velocity + gradient
    return rate * (gradients[-1] + mu * velocity) if nesterov else rate * velocity


def _rmsprop(rho: float, epsilon: float, under_the_root: bool, gradients: Sequence[Array], rate: float) -> Array:
    mean = np.zeros(gradients[0].shape)
    for gradient in gradients:
        mean = rho * mean + (1 - rho) * gradient**2
    root = np.sqrt(mean + epsilon) if under_the_root else np.sqrt(mean) + epsilon
    return np.asarray(rate * gradients[-1] / root)


def _amsgrad(right: Moments, gradients: Sequence[Array], rate: float) -> Array:
    means = list(right.means(gradients))
    first, largest = means[-1][0], np.maximum.reduce([second for _, second in means])
    step = len(gradients)
    root = np.sqrt(largest / (1 - right.beta2**step)) + right.epsilon
    return np.asarray(rate * first / (1 - right.beta1**step) / root)


def _nadam(right: Moments, decay: float | None, gradients: Sequence[Array], rate: float) -> Array:
    """NAdam, whose momentum grows with the steps (Dozat 2016), or stays as it is."""
    *_, (first, second) = right.means(gradients)
    step = len(gradients)
    grown = [1.0 if decay is None else 1 - 0.5 * 0.96 ** (at * decay) for at in range(1, step + 2)]
    momenta = [right.beta1 * part for part in grown]
    root = np.sqrt(second / (1 - right.beta2**step)) + right.epsilon
    now = (1 - momenta[step - 1]) / (1 - np.prod(momenta[:step])) * gradients[-1]
    return np.asarray(rate * (now + momenta[step] / (1 - np.prod(momenta)) * first) / root)


def _adamax(right: Moments, gradients: Sequence[Array], rate: float) -> Array:
    *_, (first, _) = right.means(gradients)
    largest = np.zeros(first.shape)
    for gradient in gradients:
        largest = np.maximum(right.beta2 * largest, np.abs(gradient) + right.epsilon)
    return np.asarray(rate * first / (1 - right.beta1 ** len(gradients)) / largest)


def _first_moment(right: Moments, gradients: Sequence[Array], rate: float) -> Array:
    *_, (first, _) = right.means(gradients)
    return np.asarray(rate * first / (1 - right.beta1 ** len(gradients)))


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
