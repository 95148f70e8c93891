"""Adam over one variable, in the textbook form or the framework's own."""

import torch

from common.points import Moments
from common.recipes import Adam
from torch_impl.arrays import to_numpy


class Textbook:
    """Kingma and Ba 2014, algorithm 1; a call takes a step."""

    # torch.optim.Adam computes the same, and its first use imports 150 MB of torch._dynamo.
    def __init__(self, variable: torch.Tensor, settings: Adam, moments: Moments | None) -> None:
        self.variable, self._settings, self._steps = variable, settings, 0
        self._mean, self._square = (torch.zeros_like(variable) for _ in range(2))
        if moments is not None:
            self._steps = moments.steps
            for native, values in ((self._mean, moments.mean), (self._square, moments.square)):
                native[0].movedim(0, -1).copy_(torch.from_numpy(values))

    def __call__(self, gradient: torch.Tensor) -> None:
        """Take the next step."""
        it, (rate, mean_scale, square_scale) = self._settings, self._settings.factors_at(self._steps)
        self._steps += 1
        self._mean.lerp_(gradient, 1 - it.beta1)
        self._square.mul_(it.beta2).addcmul_(gradient, gradient, value=1 - it.beta2)
        root = self._square.sqrt().div_(square_scale**0.5).add_(it.epsilon)
        self.variable.addcdiv_(self._mean, root, value=-rate / mean_scale)

    def moments(self) -> Moments:
        """What has been gathered so far, to go on from."""
        return Moments(to_numpy(self._mean), to_numpy(self._square), self._steps)


class Native:
    """The framework's own Adam; a call takes a step."""

    def __init__(self, variable: torch.Tensor, settings: Adam) -> None:
        self.variable, self._settings, self._steps = variable, settings, 0
        self._optimizer = torch.optim.Adam([variable], betas=(settings.beta1, settings.beta2))

    def __call__(self, gradient: torch.Tensor) -> None:
        """Take the next step."""
        self.variable.grad = gradient
        self._optimizer.param_groups[0]["lr"] = self._settings.rate_at(self._steps)
        self._optimizer.step()
        self._steps += 1

    def moments(self) -> None:
        """The framework keeps its own."""


def adam(variable: torch.Tensor, settings: Adam, moments: Moments | None = None) -> Textbook | Native:
    """Adam's next steps, from `moments` on in the textbook form, else from its first."""
    return Native(variable, settings) if settings.form == "native" else Textbook(variable, settings, moments)
