"""The oracle with a fault in it: a case and a variant come in, every tensor that such a port would compute goes out."""

# The functions of the tensors register themselves with `Run`: forward, loss, gradient, optimizers.
from common.doctor.reference import forward, optimizers
from common.doctor.reference.case import SMALL, Case, case_at, case_from_files, case_of, random_case
from common.doctor.reference.gradient import tv_slopes
from common.doctor.reference.inputs import differ_in_unit_alone
from common.doctor.reference.pictures import Picture
from common.doctor.reference.resampling import FILTERS
from common.doctor.reference.run import Run
from common.doctor.reference.shapes import feature_shape, shape_of
from common.doctor.reference.variant import RIGHT, Changes, Orientation, Variant
from common.oracle import ALL, Arithmetic, TvForm, TvSpace, rounded
