"""A fault's port, examined in this process: what `runner.py` learns through the command line, in a few seconds."""

from functools import cache

import numpy as np

from common import RECIPES, load_weights, oracle, samples
from common.doctor import diagnose, recognise
from common.doctor.diagnosis.report import finding_json
from common.images import to_bytes
from common.tensors import tensor_names

from .called import make
from .handing import GROUPS, tensors


@cache
def case_of(recipe):
    """The sample pictures and real weights, as `check` takes them."""
    return oracle.case_from_files(samples.CONTENT.path, samples.STYLE.path, RECIPES[recipe], load_weights())


def examined(fault):
    """The findings of a fault as JSON values, in the form of a case of `runner.py`."""
    case = case_of(fault.recipe)
    made, group = make(fault.port, fault.recipe, [fault.name]), GROUPS[fault.hands_over]
    if fault.way == "bundle":
        decoded = tuple(to_bytes(picture.decoded) for picture in (case.content, case.style))
        out = tensors(made, None, None, case.image, group, decoded)
    else:
        out = tensors(made, case.problem.content, case.problem.style, case.image, group)
    known = set(tensor_names(case.problem))
    given, _ = recognise(case, {name: np.asarray(array) for name, array in out.items() if name in known})
    findings = diagnose(case, given).findings
    return {"name": fault.name, "findings": [[finding_json(finding) for finding in findings]]}
