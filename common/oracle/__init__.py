"""The float64 network and its loss in NumPy, which every implementation is compared with.

Images and a problem come in; features, losses and gradients go out. A `Run` of a case and a variant computes every
tensor that a port would, with the faults that the variant has; every default of it is right.
"""

# The functions of the tensors register themselves with `Run`: forward, loss, gradient, optimizers.
from common.oracle import forward, optimizers
from common.oracle.case import SMALL, Case, case_at, case_from_files, case_of, random_case
from common.oracle.decisions import Flips, below, count_flips, decided_on, deciding_layers, turned
from common.oracle.evaluation import features, losses, value_and_grad
from common.oracle.faults import ALL, Arithmetic, TvForm, TvSpace
from common.oracle.gradient import tv_slopes
from common.oracle.inputs import differ_in_unit_alone
from common.oracle.layers import windows
from common.oracle.losses import gram
from common.oracle.low_precision import rounded
from common.oracle.pictures import Picture
from common.oracle.resampling import FILTERS
from common.oracle.run import Run
from common.oracle.shapes import feature_shape, shape_of
from common.oracle.variant import RIGHT, Changes, Orientation, Variant
