"""VGG-19 neural style transfer in Keras/TensorFlow.

The framework is imported when a function is first used: `python -m keras_impl` reads its options before.
"""

import os
from importlib import import_module

TYPE_CHECKING = False  # for type checkers; `typing` would take long, and a Ctrl-C during it would be a traceback

if TYPE_CHECKING:
    from keras_impl.device import best_device, check_arithmetic, environment, matrix_product, peak_memory
    from keras_impl.objective import Objective, features, loss_terms, value_and_grad
    from keras_impl.recording import evaluation_tensors, tensors
    from keras_impl.transfer import stylize

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
        os.environ["KERAS_BACKEND"] = "tensorflow"  # Keras reads it once, when it is first imported
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        modules = [import_module(f"{__name__}.{module}") for module in ("device", "objective", "recording", "transfer")]
        return next(getattr(module, name) for module in modules if hasattr(module, name))
