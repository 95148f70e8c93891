"""The float64 network and its loss in NumPy, which every implementation is compared with.

Images and a problem come in; features, losses and gradients go out. A `Run` of a case and a variant computes every
tensor that a port would, with the faults that the variant has; every default of it is right.
"""

from common.oracle import optimizers, work  # the optimizers register their tensors with Run, as evaluation does
from common.oracle.case import SMALL, Case, Shape, case_at, case_from_files, random_case, shape_of
from common.oracle.decisions import Flips, count_flips, deciding, turned
from common.oracle.evaluation import difference_at, features, gradient_of_input, losses, tv_slopes, value_and_grad
from common.oracle.inputs import differ_in_unit_alone
from common.oracle.layers import below, decided_on, forward, rounded, windows
from common.oracle.losses import gram
from common.oracle.pictures import PILLOWS, Picture, resized_by_pillow
from common.oracle.resampling import COMMON, FILTERS, described, resample, weighted, weights
from common.oracle.run import Run
from common.oracle.variant import ALL, RIGHT, Arithmetic, Backward, Changes, Orientation, Substitute, Variant
