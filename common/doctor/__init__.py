"""The port doctor: tensors of a port in, the first that differs and its cause out; or a finished picture in."""

from common.doctor.diagnosis import (
    Diagnosis,
    Judge,
    diagnose,
    difference,
    finding_json,
    loss_unit,
    next_step,
    print_diagnosis,
    term_factors,
    ties_turned,
    to_json,
    to_markdown,
    unit_of,
    varied_cases,
)
from common.doctor.picture import (
    Examination,
    Tools,
    examine,
    picture_json,
    picture_markdown,
    print_examination,
    saving_like,
)
from common.doctor.port import (
    MANIFEST,
    TENSORS,
    Port,
    bundle_files,
    check_bundle_folder,
    layers_of,
    load_port,
    read_bundle,
    recognise,
    tensors_of,
    write_bundle,
)
