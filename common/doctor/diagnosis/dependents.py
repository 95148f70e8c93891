"""What cannot be judged once a tensor is unexplained: what is computed by the same, and not from the tensor itself."""

from collections.abc import Sequence

from common.doctor.diagnosis.judge import Judge
from common.tensors import tail
from common.vgg19 import NAMES

_SHARED_WITH_TARGETS = ("pixels", "input", "features", "gram")
_ON_THE_WAY_BACK = (*_SHARED_WITH_TARGETS, "loss")


def dependants(name: str, names: Sequence[str], judge: Judge) -> set[str]:
    """Those of some tensors that an unexplained one leaves without a reference."""
    found = {other for other in names if other != name and _depends(other, name)}
    # A total beside a right gradient is reported wrongly, and no more.
    only_reported = name == "loss/total" and "gradient/pixels" in names and not judge.is_wrong("gradient/pixels")
    return found & {"lbfgs/losses"} if only_reported else found


def _depends(other: str, name: str) -> bool:
    kind, _, rest = name.partition("/")
    if kind not in (*_ON_THE_WAY_BACK, "gradient"):
        return False
    if other.startswith("lbfgs/losses"):
        return kind != "gradient"
    if other == "lbfgs/gradients" or (other.startswith("adam/") and tail(other) == "gradient"):
        return True
    if other.startswith("target/"):
        return _is_at_or_below(other, name)
    if other.startswith("gradient/") and kind in _ON_THE_WAY_BACK:
        return rest == "total" or other == "gradient/pixels" or _is_above(other, name)
    return False


def _is_at_or_below(target: str, name: str) -> bool:
    """Whether the way from a picture to its target goes through what a tensor is computed by."""
    kind = name.partition("/")[0]
    if kind == "gram":
        return target == f"target/style/{tail(name)}"
    return kind in _SHARED_WITH_TARGETS and NAMES.index(tail(target)) >= _place(name)


def _is_above(gradient: str, name: str) -> bool:
    """Whether a gradient comes back through what a tensor is computed by: for a layer from its input on."""
    place = _place(name) - (1 if name.startswith("features/") else 0)
    return NAMES.index(tail(gradient)) <= place


def _place(name: str) -> int:
    """Which layer a tensor belongs to; that before the first where it belongs to none."""
    return NAMES.index(tail(name)) if tail(name) in NAMES else -1
