"""Adam over one variable, in the textbook form or the framework's own."""

from collections.abc import Callable

import torch

from common.recipes import Adam

Update = Callable[[torch.Tensor, int], None]


def adam(variable: torch.Tensor, settings: Adam) -> Update:
    """A function of (gradient, step) that moves the variable in place; steps count from 0."""
    return _native(variable, settings) if settings.form == "native" else _textbook(variable, settings)


def _textbook(variable: torch.Tensor, settings: Adam) -> Update:
    # Kingma and Ba 2014, algorithm 1, as torch.optim.Adam computes it, whose first use imports 150 MB of torch._dynamo.
    mean, square = (torch.zeros_like(variable) for _ in range(2))
    beta1, beta2 = settings.beta1, settings.beta2

    def update(gradient: torch.Tensor, step: int) -> None:
        mean.lerp_(gradient, 1 - beta1)
        square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        mean_scale, square_scale = 1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1)
        root = square.sqrt().div_(square_scale**0.5).add_(settings.epsilon)
        variable.addcdiv_(mean, root, value=-settings.rate_at(step) / mean_scale)

    return update


def _native(variable: torch.Tensor, settings: Adam) -> Update:
    optimizer = torch.optim.Adam([variable], betas=(settings.beta1, settings.beta2))

    def update(gradient: torch.Tensor, step: int) -> None:
        variable.grad = gradient
        optimizer.param_groups[0]["lr"] = settings.rate_at(step)
        optimizer.step()

    return update
