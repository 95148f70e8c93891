"""Adam over one variable, in the textbook form or the framework's own."""

from collections.abc import Callable

import torch

from common.recipes import Adam

Update = Callable[[torch.Tensor, int], None]


def adam(variable: torch.Tensor, settings: Adam) -> Update:
    """A function of (gradient, step) that moves the variable in place; steps count from 0."""
    # PyTorch's Adam is the textbook form (Kingma and Ba 2014, algorithm 1); natively it has an epsilon of its own.
    optimizer = torch.optim.Adam([variable], betas=(settings.beta1, settings.beta2))
    if settings.form == "textbook":
        optimizer.param_groups[0]["eps"] = settings.epsilon

    def update(gradient: torch.Tensor, step: int) -> None:
        variable.grad = gradient
        optimizer.param_groups[0]["lr"] = settings.rate_at(step)
        optimizer.step()

    return update
