"""The port doctor against real ports with real traps: from the tensors alone it has to name the trap.

Here a trap of every kind is tried; `python tests/evaluate_doctor.py` tries all, in several settings, and in pairs. With
STYLE_ROSETTA_ALL_TRAPS=1 all of the gallery is tried here, too.
"""

import os

import numpy as np
import pytest
from faulty_ports.gallery import (
    GALLERY,
    NO_BUG,
    Setting,
    broken_port,
    case_for,
    causes,
    compatible,
    healthy_port,
    precision_for,
    ranking,
    tensors_of,
)
from shallow import shallow

from common import samples
from common.backend import BACKENDS
from common.doctor.diagnosis.diagnose import diagnose
from common.doctor.hypotheses import TRAPS

SAMPLE = (
    "means swapped",
    "kernels transposed in space",
    "CHW memory read as HWC",
    "the last style tap across the ReLU",
    "the other pooling",
    "replicate padding",
    "no biases",
    "Gram divided by M C",
    "total variation in 0..255",
    "gradient flattened as CHW",
    "every point clamped",
)
# What cannot be told from something else by the tensors of one case, and is only said to be possible.
AMBIGUOUS: tuple[str, ...] = ()
ALL = os.environ.get("STYLE_ROSETTA_ALL_TRAPS") == "1"
TRIED = [broken for broken in GALLERY if ALL or broken.name in SAMPLE]
# The README's test command plants some of them, each in one backend, in turns; the thorough tests all in all.
QUICK = ("means swapped", "gradient flattened as CHW")
PLANTED = [
    pytest.param(
        broken,
        name,
        id=f"{broken.trap}: {broken.name}-{name}",
        marks=() if number == turn and broken.name in QUICK else pytest.mark.thorough,
    )
    for position, broken in enumerate(TRIED)
    for number, name in enumerate(BACKENDS)
    for turn in [position % len(BACKENDS)]
]


@pytest.fixture(scope="module")
def setting(weights):
    return Setting(shallow("d2l"), weights, (samples.CONTENT.path, samples.STYLE.path))


@pytest.mark.parametrize(("broken", "name"), PLANTED)
def test_the_doctor_names_the_trap(setting, tmp_path, broken, name):
    case = case_for(setting, [broken], tmp_path)
    if not broken.fits(case):
        pytest.skip("makes no difference in this recipe")
    diagnosis = diagnose(case, tensors_of(broken_port(name, case, [broken])), precision_for([broken]))
    assert causes(diagnosis), "nothing was found"
    found = ranking(causes(diagnosis)[0])
    assert broken.trap in (found if broken.name in AMBIGUOUS else found[:1]), [
        (it.tensor, it.detail, it.evidence) for it in diagnosis.findings
    ]


@pytest.mark.parametrize("name", list(BACKENDS))
def test_nothing_is_wrong_with_the_ports_as_they_are(setting, name):
    case = setting.case()
    diagnosis = diagnose(case, tensors_of(healthy_port(name, case)))
    assert diagnosis.healthy, diagnosis.findings


def test_what_was_planted_is_taken_out_again(setting, tmp_path):
    case = setting.case()
    before = tensors_of(healthy_port("torch", case, "float64"))
    planted = [broken for broken in GALLERY if broken.name in ("pools times 2", "gradient flattened as CHW")]
    assert any((tensors_of(broken_port("torch", case, planted))[name] != before[name]).any() for name in before)
    after = tensors_of(healthy_port("torch", case, "float64"))
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_every_trap_but_the_one_that_is_none_is_planted():
    assert {broken.trap for broken in GALLERY} == set(TRAPS) - {NO_BUG}
    assert len({broken.name for broken in GALLERY}) == len(GALLERY)
    assert set(SAMPLE) | set(AMBIGUOUS) <= {broken.name for broken in GALLERY}


def test_two_of_one_trap_or_of_one_thing_are_not_planted_together():
    by_name = {broken.name: broken for broken in GALLERY}
    assert not compatible(by_name["replicate padding"], by_name["reflect padding"])
    assert not compatible(by_name["kernels flipped"], by_name["another training"])
    assert compatible(by_name["replicate padding"], by_name["pools times 2"])
    assert all(compatible(one, other) == compatible(other, one) for one in GALLERY for other in GALLERY)
