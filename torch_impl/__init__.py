"""VGG-19 neural style transfer in PyTorch.

The framework is imported when a function is first used: `python -m torch_impl` reads its options before.
"""

import os
from importlib import import_module

TYPE_CHECKING = False  # for type checkers; `typing` would take long, and a Ctrl-C during it would be a traceback

if TYPE_CHECKING:
    from torch_impl.device import best_device, check_arithmetic, environment, matrix_product, peak_memory
    from torch_impl.objective import Objective, features, loss_terms, value_and_grad
    from torch_impl.recording import evaluation_tensors, tensors
    from torch_impl.transfer import stylize

__all__ = [
    "Objective",
    "best_device",
    "check_arithmetic",
    "environment",
    "evaluation_tensors",
    "features",
    "loss_terms",
    "matrix_product",
    "peak_memory",
    "stylize",
    "tensors",
    "value_and_grad",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # large pages: fresh memory is several times faster
        modules = [import_module(f"{__name__}.{module}") for module in ("device", "objective", "recording", "transfer")]
        return next(getattr(module, name) for module in modules if hasattr(module, name))
