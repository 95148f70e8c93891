"""Shared by the doctor's tests: what is known of a module's case."""

import numpy as np
import pytest

from common.doctor.diagnosis import causes
from common.oracle import RIGHT, Case, Run
from common.tensors import Tensors, tensor_names


@pytest.fixture(scope="module")
def tensors(case: Case) -> Tensors:
    """Every right tensor of the module's `case`, but for those of the optimizers' steps."""
    run = Run(case, RIGHT)
    names = [name for name in tensor_names(case.problem) if not name.startswith(("adam/", "lbfgs/"))]
    return {name: np.asarray(run.expected(name)) for name in names}


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the work for pairs of traps, where there is none to be found."""
    monkeypatch.setattr(causes, "_MOST_OF_PAIRS", 5 * 10**9)
