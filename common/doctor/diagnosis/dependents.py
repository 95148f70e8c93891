"""What cannot be judged once a tensor is unexplained: what the same operation computes elsewhere."""

from collections.abc import Sequence

from common.doctor.diagnosis.judge import Judge
from common.tensors import TensorName


def dependents(name: str, names: Sequence[str], judge: Judge) -> set[str]:
    """Those of some tensors that have no reference because an unexplained one depends on the same operation."""
    unexplained = TensorName.parse(name)
    dependent = {other for other in names if other != name and TensorName.parse(other).depends_on(unexplained)}
    # Beside a right gradient, a wrong total is reported wrongly and used nowhere but in the losses of L-BFGS.
    only_reported = name == "loss/total" and "gradient/pixels" in names and not judge.is_wrong("gradient/pixels")
    return dependent & {"lbfgs/losses"} if only_reported else dependent
