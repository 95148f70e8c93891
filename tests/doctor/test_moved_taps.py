"""Taps that are taken from other layers, in ports that name their maps by taps or by layers; what one number proves."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, Variant, forward, random_case
from common.tensors import tensor_names
from common.vgg19 import cut


@pytest.fixture(scope="module", params=["gatys", "pytorch-blog"])
def case(request):
    return random_case(3, shallow(request.param), load_weights("random"))


def of_a_port(case, moved):
    """The tensors of a port whose taps are moved, each map and its gradient under the name of its layer."""
    recipe = case.problem.recipe
    other = replace(
        recipe,
        style_taps=tuple(moved.get(tap, tap) for tap in recipe.style_taps),
        content_taps=tuple(moved.get(tap, tap) for tap in recipe.content_taps),
    )
    run = Run(replace(case, problem=replace(case.problem, recipe=other)))
    names = (name for name in tensor_names(run.case.problem) if not name.startswith(("adam", "lbfgs")))
    tensors = {name: run.expected(name) for name in names}
    under_taps = {}
    for name, array in tensors.items():
        kind, _, tap = name.rpartition("/")
        back = next((it for it, layer in moved.items() if layer == tap), tap)
        under_taps[name if kind in ("features", "gradient/features") else f"{kind}/{back}"] = array
    return {name: under_taps[name] for name in tensor_names(case.problem) if name in under_taps}


@pytest.mark.parametrize("features", [True, False], ids=["with features", "without"])
@pytest.mark.parametrize("moved", [{"relu2_2": "relu2_1"}, {"relu1_1": "relu1_2"}, {"relu3_1": "conv3_1"}], ids=str)
def test_a_moved_tap_is_the_only_finding(moved, features, case):
    if not set(moved) <= set(case.problem.recipe.taps):
        pytest.fail(f"the recipe has no tap {moved}; its taps are {case.problem.recipe.taps}")
    given = of_a_port(case, moved)
    given = {name: it for name, it in given.items() if features or not name.startswith("features/")}
    findings = [finding for finding in diagnose(case, given, "float64").findings if not finding.harmless]
    assert {finding.trap.number for finding in findings if finding.trap} <= {9, 10, 11}
    assert [finding.trap is not None for finding in findings] == [True], [finding.evidence for finding in findings]
    (tap,), (layer,) = moved, moved.values()
    assert f"{tap} is {layer}" in findings[0].detail


def test_taps_that_moved_by_different_steps_are_not_said_to_have_moved_alike():
    """Two taps are one convolution earlier and the third is two: no sentence says that of all three."""
    case = random_case(3, shallow("pytorch-blog"), load_weights("random"))
    moved = {"relu2_2": "relu2_1", "relu1_2": "relu1_1", "relu3_3": "relu3_1"}
    recipe = replace(case.problem.recipe, style_taps=tuple(moved), content_taps=("relu2_2",))
    case = random_case(3, recipe, load_weights("random"))
    given = of_a_port(case, moved)
    terms = {name: it for name, it in given.items() if name.startswith(("pixels", "loss/"))}
    said = [finding.detail for finding in diagnose(case, terms, "float64").findings]
    assert not [detail for detail in said if detail.startswith("every")], said
    assert "relu3_3 is relu3_1" in said
    assert "relu1_2 is relu1_1" in said[0]


def test_a_content_tap_far_away_is_named_by_the_shape_of_its_map():
    case = random_case(3, shallow("gatys"), load_weights("random"))
    (tap,) = case.problem.recipe.content_taps
    (finding,) = diagnose(case, of_a_port(case, {tap: "relu1_1"}), "float64").findings
    assert (finding.trap.number, finding.detail) == (11, f"{tap} is relu1_1")


def test_maps_of_another_size_do_not_make_a_function_fit(case):
    """What computes nothing of another shape is not found because the maps that are handed over may have any."""
    run = Run(case)
    smaller = run.expected("features/relu1_1")[:-4]
    flat = smaller.reshape(-1, smaller.shape[-1])
    given = {
        "input": run.expected("input")[:-4],
        "features/relu1_1": smaller,
        "gram/relu1_1": flat.T @ flat / len(flat),
    }
    findings = diagnose(case, given, "float64").findings
    assert not [it.evidence for it in findings if it.recognised is not None and it.recognised.kind == "another layer"]


def test_factors_of_the_sizes_that_maps_have_are_no_second_finding():
    """Pools that round up give larger maps, and a port that takes its means over them has other factors."""
    case = random_case(3, shallow("pytorch-blog"), load_weights("random"))
    run = Run(case, Variant(ceil_pooling=True, own_sizes=True))
    given = {name: run.expected(name) for name in tensor_names(case.problem) if not name.startswith(("adam", "lbfgs"))}
    assert [finding.trap.number for finding in diagnose(case, given, "float64").findings] == [14]
    losses = {name: it for name, it in given.items() if name.startswith("loss/") or name == "pixels"}
    assert [finding.trap.number for finding in diagnose(case, losses, "float64").findings] == [14]


def test_a_number_that_many_faults_come_near_proves_none(case):
    run = Run(case)
    total = run.expected("loss/total")
    for off in (-2e-4, 1e-3):
        given = {"pixels": run.expected("pixels"), "loss/total": np.asarray(total * (1 + off))}
        assert [finding.trap for finding in diagnose(case, given).findings] == [None], off


def test_a_small_term_that_the_total_lacks_is_named(case):
    run = Run(case)
    terms = {f"loss/{term}": np.asarray(size) for term, size in run.terms.items()}
    least = min((name for name in terms if "style" in name), key=lambda name: float(terms[name]))
    given = {"pixels": run.expected("pixels"), **terms, "loss/total": run.expected("loss/total") - terms[least]}
    assert 1e-5 < float(terms[least]) / float(run.expected("loss/total")) < 0.1
    (finding,) = diagnose(case, given).findings
    assert finding.recognised.values["changes"] == (f"without {least.removeprefix('loss/')}",)


def test_padding_of_the_first_layer_alone_is_not_said_of_all(case):
    run, x, grams = Run(case), Run(case).expected("input"), {}
    taps = case.problem.recipe.style_taps
    for layer in cut(taps):
        variant = Variant(padding="replicate") if layer.name == "conv1_1" else run.variant
        x = forward(layer, x, run.network, variant)
        if layer.name in taps:
            flat = x.reshape(-1, x.shape[-1])
            grams[f"gram/{layer.name}"] = flat.T @ flat / len(flat)
    given = {"pixels": run.expected("pixels"), "input": run.expected("input"), **grams}
    (finding,) = diagnose(case, given, "float64").findings
    assert finding.recognised.values["layer"] == "conv1_1"
    assert "replicate padding" in finding.detail


def test_the_style_pictures_maps_are_known(case):
    run = Run(case)
    given = {"pixels": run.expected("pixels"), "features/relu2_1": run.layer_of_picture("style", "relu2_1")}
    (finding,) = diagnose(case, given, "float64").findings
    assert finding.recognised.sentence == "it is the feature map of the style picture, not of the image"


def test_a_relu_in_place_is_one_finding(case):
    run = Run(case)
    names = [name for name in tensor_names(case.problem) if name.startswith("features/")]
    given = {name: run.expected(name.replace("conv", "relu")) for name in names}
    (finding,) = diagnose(case, {"pixels": run.expected("pixels"), **given}, "float64").findings
    assert finding.recognised.kind == "after its ReLU"
