"""Named tensors: what the backends record, and what the comparison and the port doctor read."""

from common.tensors.files import KINDS, check_real, read_tensors, write_tensors
from common.tensors.names import (
    ADAM_STEPS,
    LBFGS_CHECKED,
    LBFGS_EVALUATIONS,
    STAGES,
    Array,
    Arrays,
    Stage,
    TensorName,
    inputs_of,
    tensor_names,
)
from common.tensors.recording import (
    Tensors,
    adam_tensors,
    lbfgs_tensors,
    picture_tensors,
    recorded_tensors,
    target_tensors,
    value_and_grad_tensors,
)
