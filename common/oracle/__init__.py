"""The float64 network in NumPy that every implementation is compared with."""

from common.oracle.evaluation import features, gram, losses, value_and_grad
from common.oracle.layers import windows
from common.oracle.total_variation import tv_gradient, tv_loss

__all__ = [
    "features",
    "gram",
    "losses",
    "tv_gradient",
    "tv_loss",
    "value_and_grad",
    "windows",
]
