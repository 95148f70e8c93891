"""The float64 network in NumPy that every implementation is compared with."""

from common.oracle.evaluation import features, gram, losses, value_and_grad

__all__ = ["features", "gram", "losses", "value_and_grad"]
