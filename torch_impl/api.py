"""What the package offers, gathered for the registry of backends."""

from importlib.metadata import version

from torch_impl.device import check_arithmetic, environment, matrix_product, peak_memory
from torch_impl.objective import Objective, features, losses, value_and_grad
from torch_impl.tensors import evaluation_tensors, tensors
from torch_impl.transfer import stylize

__all__ = [
    "Objective",
    "check_arithmetic",
    "environment",
    "evaluation_tensors",
    "features",
    "losses",
    "matrix_product",
    "peak_memory",
    "stylize",
    "tensors",
    "value_and_grad",
    "versions",
]


def versions() -> dict[str, str]:
    """The versions of the framework's packages."""
    return {"torch": version("torch")}
