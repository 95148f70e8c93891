"""Adam over one variable, in the textbook form or the framework's own."""

from typing import Protocol

import torch

from common.points import Moments
from common.recipes import Adam
from torch_impl.arrays import to_numpy


class Update(Protocol):
    """A step of Adam, which moves the variable in place; a call is a step."""

    def __call__(self, gradient: torch.Tensor) -> None:
        """Take the next step."""

    def moments(self) -> Moments | None:
        """What has been gathered so far, to go on from; None where the framework keeps that to itself."""


def adam(variable: torch.Tensor, settings: Adam, moments: Moments | None = None) -> Update:
    """Adam's next steps, from `moments` on in the textbook form, else from its first."""
    return Native(variable, settings) if settings.form == "native" else Textbook(variable, settings, moments)


class Textbook:
    """Kingma and Ba 2014, algorithm 1."""

    # torch.optim.Adam computes the same, and its first use imports 150 MB of torch._dynamo.
    def __init__(self, variable: torch.Tensor, settings: Adam, moments: Moments | None) -> None:
        self._variable, self._settings = variable, settings
        self._mean, self._square = (torch.zeros_like(variable) for _ in range(2))
        self._steps = 0
        if moments is not None:
            self._steps = moments.steps
            for native, values in ((self._mean, moments.mean), (self._square, moments.square)):
                native[0].movedim(0, -1).copy_(torch.from_numpy(values))

    def __call__(self, gradient: torch.Tensor) -> None:
        """Take the next step."""
        beta1, beta2, rate = self._settings.beta1, self._settings.beta2, self._settings.rate_at(self._steps)
        self._steps += 1
        self._move(gradient, rate, 1 - beta1**self._steps, 1 - beta2**self._steps)

    def _move(self, gradient: torch.Tensor, rate: float, mean_scale: float, square_scale: float) -> None:
        beta1, beta2 = self._settings.beta1, self._settings.beta2
        self._mean.lerp_(gradient, 1 - beta1)
        self._square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = self._square.sqrt().div_(square_scale**0.5).add_(self._settings.epsilon)
        self._variable.addcdiv_(self._mean, root, value=-rate / mean_scale)

    def moments(self) -> Moments:
        """What has been gathered so far, to go on from."""
        return Moments(to_numpy(self._mean), to_numpy(self._square), self._steps)


class Native:
    """The framework's own Adam."""

    def __init__(self, variable: torch.Tensor, settings: Adam) -> None:
        self._variable, self._settings, self._steps = variable, settings, 0
        self._optimizer = torch.optim.Adam([variable], betas=(settings.beta1, settings.beta2))

    def __call__(self, gradient: torch.Tensor) -> None:
        """Take the next step."""
        self._variable.grad = gradient
        self._optimizer.param_groups[0]["lr"] = self._settings.rate_at(self._steps)
        self._optimizer.step()
        self._steps += 1

    def moments(self) -> None:
        """The framework keeps its own."""
