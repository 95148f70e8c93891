"""What cannot be judged once a tensor is unexplained: what is computed by the same, and not from the tensor itself."""

from collections.abc import Iterable

from common.doctor.names import tail
from common.spec.vgg19 import NAMES

_SHARED_WITH_TARGETS = ("pixels", "input", "features", "gram")
_ON_THE_WAY_BACK = (*_SHARED_WITH_TARGETS, "loss")


def dependants(name: str, names: Iterable[str]) -> set[str]:
    """Those of some tensors that an unexplained one leaves without a reference."""
    return {other for other in names if other != name and _depends(other, name)}


def _depends(other: str, name: str) -> bool:
    kind, _, rest = name.partition("/")
    if kind not in (*_ON_THE_WAY_BACK, "gradient"):
        return False
    if other.startswith("lbfgs/losses"):
        return kind != "gradient"
    if other == "lbfgs/gradients" or (other.startswith("adam/") and tail(other) == "gradient"):
        return True
    if other.startswith("target/"):
        return kind in _SHARED_WITH_TARGETS
    if other.startswith("gradient/") and kind in _ON_THE_WAY_BACK:
        return rest == "total" or other == "gradient/pixels" or NAMES.index(tail(other)) <= _place(name)
    return False


def _place(name: str) -> int:
    """Which layer a tensor belongs to; that before the first where it belongs to none."""
    return NAMES.index(tail(name)) if tail(name) in NAMES else -1
