"""The reference as a port with some faults would compute it."""

from common.doctor.reference.case import SMALL, Case, case_at, case_from_files, case_of, random_case
from common.doctor.reference.decisions import Flips, below, count_flips, decided_on, deciding_layers, turned
from common.doctor.reference.inputs import differ_in_unit_alone
from common.doctor.reference.kernels import ALL
from common.doctor.reference.low_precision import rounded
from common.doctor.reference.pictures import Picture
from common.doctor.reference.resampling import FILTERS
from common.doctor.reference.run import Run
from common.doctor.reference.shapes import feature_shape, shape_of
from common.doctor.reference.variant import RIGHT, Arithmetic, Changes, Orientation, TvForm, TvSpace, Variant

__all__ = [
    "ALL",
    "FILTERS",
    "RIGHT",
    "SMALL",
    "Arithmetic",
    "Case",
    "Changes",
    "Flips",
    "Orientation",
    "Picture",
    "Run",
    "TvForm",
    "TvSpace",
    "Variant",
    "below",
    "case_at",
    "case_from_files",
    "case_of",
    "count_flips",
    "decided_on",
    "deciding_layers",
    "differ_in_unit_alone",
    "feature_shape",
    "random_case",
    "rounded",
    "shape_of",
    "turned",
]
