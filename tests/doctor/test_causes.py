"""What an examination takes over from one finding to the next: maps, tensors that are set aside, factors."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.doctor.diagnosis.candidates import Candidates
from common.doctor.diagnosis.judge import Judge
from common.doctor.hypotheses import hypotheses
from common.oracle import Run, Variant, random_case, rounded
from common.tensors import tensor_names


@pytest.fixture(scope="module", params=["gatys", "d2l"])
def case(request):
    return random_case(3, shallow(request.param), load_weights("random"))


def grams_of(judge):
    return [f"gram/{tap}" for tap in judge.own.case.problem.recipe.style_taps]


@pytest.mark.parametrize("maps", ["given", "not given"])
@pytest.mark.parametrize("found", [{}, {"taps": {"relu2_2": "relu2_1"}}], ids=["nothing found", "a tap found"])
def test_maps_that_runs_share_are_those_of_a_run_of_its_own(found, maps, case, tensors):
    """For every fault, also after a tap that is recorded under its own name was found."""
    kept = {name: it for name, it in tensors.items() if maps == "given" or "features/" not in name}
    judge = Judge.of(case, kept, "float64")
    if found:
        judge = judge.but(next(it for it in hypotheses(case) if it.changes == found))
    names = grams_of(judge)
    for name in names:  # which fills the maps that are shared
        judge.own.expected(name)
    for fault in Candidates("gram/relu3_1", list(kept), judge).of_traps(hypotheses(case), None):
        if fault.stage not in ("network", "taps") or (by := judge.but(fault)) is None:
            continue
        alone = Run(case, by.variant, kept)
        for name in names:
            np.testing.assert_array_equal(by.own.expected(name), alone.expected(name), err_msg=fault.detail)


@pytest.mark.parametrize(
    ("name", "other"), [("input", "gram/relu2_1"), ("loss/tv", "gradient/pixels"), ("gradient/pixels", "saved")]
)
def test_a_factor_of_what_has_no_tap_is_followed_by_other_findings(name, other, case, tensors):
    if name not in tensors or not np.any(tensors[name]):
        name, other = "input", "gram/relu1_1"  # where the recipe has no total variation
    noise = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(tensors[other]))
    wrong = {**tensors, name: 2 * np.asarray(tensors[name]), other: tensors[other] * noise}
    first, *others = diagnose(case, wrong, "float64").findings
    assert first.tensor == name
    assert other in {finding.tensor for finding in others}


def test_maps_of_another_picture_do_not_hide_what_is_wrong_with_gram_matrices(case, tensors):
    run = Run(case)
    wrong = dict(tensors)
    for name in tensors:
        if name.startswith("features/"):
            wrong[name] = run.layer_of_picture("style", name.removeprefix("features/"))
        elif name.startswith("gram/"):
            wrong[name] = np.triu(tensors[name])
    maps, grams = diagnose(case, wrong, "float64").findings
    assert maps.recognised.kind == "map of a picture"
    assert grams.recognised.values["form"] == "the upper half alone"


def test_one_factor_is_one_finding_whatever_its_value_at_a_tap(case, tensors):
    wrong = {name: it for name, it in tensors.items() if name.startswith("features/")}
    wrong |= {name: it / len(it) ** 2 for name, it in tensors.items() if name.startswith("gram/")}
    (finding,) = diagnose(case, wrong, "float64").findings
    assert finding.recognised.values["expression"] == "1/C^2"
    assert len(finding.also_in) == 2


@pytest.mark.parametrize("part", ["input", "biases"])
def test_what_alone_is_in_its_own_unit_is_named(part):
    case = random_case(3, shallow("pytorch-blog"), load_weights("random"))
    run = Run(case, Variant(own_unit=part))
    names = [name for name in tensor_names(case.problem) if name.startswith(("input", "loss/", "gram/"))]
    (finding,) = diagnose(case, {name: run.expected(name) for name in names}, "float64").findings
    assert finding.trap.number == 35
    assert finding.detail.startswith(f"the {part} {'is' if part == 'input' else 'are'} in the unit of")


@pytest.mark.parametrize("short", ["float16", "bfloat16"])
def test_weights_that_are_stored_in_half_are_no_harmless_rounding(short, case):
    weights = case.problem.weights
    kernels = {name: rounded(it, short).astype(np.float32) for name, it in weights.kernels_hwio.items()}
    halved = replace(case.problem, weights=replace(weights, kernels_hwio=kernels))
    run = Run(replace(case, problem=halved))
    names = [name for name in tensor_names(case.problem) if name.startswith(("input", "features/", "gram/"))]
    diagnosis = diagnose(case, {name: run.expected(name) for name in names}, "float64")
    assert not diagnosis.healthy
    assert f"rounded to {short}" in diagnosis.findings[0].detail
