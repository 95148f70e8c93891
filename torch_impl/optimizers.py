"""Adam over one variable, in the textbook form or the framework's own."""

from collections.abc import Callable

import torch

from common.recipes import Adam

Update = Callable[[torch.Tensor, int], None]


def adam(variable: torch.Tensor, settings: Adam) -> Update:
    """A function of (gradient, step) that moves the variable in place; steps count from 0."""
    return _native(variable, settings) if settings.form == "native" else _textbook(variable, settings)


def _textbook(variable: torch.Tensor, settings: Adam) -> Update:
    # PyTorch's Adam is the textbook form (Kingma and Ba 2014, algorithm 1).
    betas = (settings.beta1, settings.beta2)
    return _update(variable, settings, torch.optim.Adam([variable], betas=betas, eps=settings.epsilon))


def _native(variable: torch.Tensor, settings: Adam) -> Update:
    return _update(variable, settings, torch.optim.Adam([variable], betas=(settings.beta1, settings.beta2)))


def _update(variable: torch.Tensor, settings: Adam, optimizer: torch.optim.Optimizer) -> Update:
    def update(gradient: torch.Tensor, step: int) -> None:
        variable.grad = gradient
        optimizer.param_groups[0]["lr"] = settings.rate_at(step)
        optimizer.step()

    return update
