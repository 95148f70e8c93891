"""What public codes taught: another convention beside right numbers is told from a mistake, and hides none."""

import numpy as np
import pytest
from shallow import STYLE_TAPS, shallow

from common.doctor.diagnosis import causes
from common.doctor.diagnosis.diagnose import diagnose
from common.oracle.case import random_case
from common.oracle.run import Run
from common.oracle.variant import RIGHT
from common.vgg19.preprocessing import CAFFE
from common.vgg19.weights import random_weights


@pytest.fixture(scope="module")
def case():
    return random_case(4, shallow("gatys"), random_weights(0))


def numbers(found):
    return [finding.trap and finding.trap.number for finding in found.findings]


def with_grams_over_c(tensors):
    """As codes do that divide by M C, and whose loss allows for it."""
    grams = [name for name in tensors if name.startswith(("gram/", "target/style/"))]
    return {**tensors, **{name: tensors[name] / len(tensors[name]) for name in grams}}


def test_a_gram_matrix_in_another_norm_beside_right_losses_is_said_to_be_no_worse(case, tensors):
    found = diagnose(case, with_grams_over_c(tensors), "float64")
    assert numbers(found) == [18]
    assert "the loss allows for it" in found.findings[0].detail


def test_mistakes_in_the_terms_are_found_behind_another_norm(case, tensors):
    """A sum for a mean over C^2, and a mean over the taps once more: the norm alone does not say so."""
    style = {
        f"loss/style/{tap}": tensors[f"loss/style/{tap}"] * _channels(tensors, tap) ** 2 / len(STYLE_TAPS)
        for tap in STYLE_TAPS
    }
    wrong = {**with_grams_over_c(tensors), **style}
    terms = [name for name in wrong if name.startswith("loss/") and name != "loss/total"]
    wrong["loss/total"] = np.asarray(sum(float(wrong[name]) for name in terms))
    del wrong["gradient/pixels"]
    found = diagnose(case, {it: value for it, value in wrong.items() if not it.startswith("gradient")}, "float64")
    assert sorted(numbers(found)) == [18, 20, 21]


def _channels(tensors, tap):
    return len(tensors[f"gram/{tap}"])


def test_a_variable_in_another_order_of_channels_does_not_accuse_the_network(case, tensors):
    assert case.problem.recipe.pixel_space == CAFFE
    images = ("pixels", "gradient/pixels")
    found = diagnose(case, {**tensors, **{name: tensors[name][..., ::-1] for name in images}}, "float64")
    assert numbers(found) == [26]
    assert "RGB in 0..255 minus Oxford's means" in found.findings[0].detail


@pytest.mark.usefixtures("short_search")
def test_a_gradient_beside_features_that_fit_does_not_accuse_the_kernels(case, tensors):
    """With conv1_1's inputs reversed the gradient would fit, but conv1_1 would not."""
    found = diagnose(case, {**tensors, "gradient/pixels": tensors["gradient/pixels"][..., ::-1]}, "float64")
    assert not found.healthy
    assert all(finding.tensor == "gradient/pixels" and "conv1_1" not in finding.detail for finding in found.findings)


def test_a_bias_is_not_left_out_where_bfloat16_alone_would_hide_the_rest(case, tensors):
    """Of a pair, each has to be needed: a wide bound explains nothing."""
    name = "features/conv1_1"
    wrong = tensors[name] + 0.01 * np.std(tensors[name]) * np.linspace(-1, 1, tensors[name].shape[-1])
    found = diagnose(case, {"input": tensors["input"], name: wrong}, "float32")
    assert not found.healthy
    assert None in numbers(found)


def test_what_is_quick_is_examined_when_the_time_is_over(case, tensors, monkeypatch):
    monkeypatch.setattr(causes, "_MOST", -1)
    truncated = (np.clip(case.image, 0, 1) * 255).astype(np.uint8)
    found = diagnose(case, {**tensors, "loss/total": 2 * tensors["loss/total"], "saved": truncated}, "float64")
    assert found.findings[0].detail == "not examined"
    assert [clue.kind for clue in found.findings[0].clues] == ["not examined"]
    assert numbers(found)[-1] == 33


def test_a_missing_relu_is_not_taken_for_a_slip_of_the_hand(case, tensors):
    """conv2_2 is computed from what was handed over as relu2_1, so what follows is not right."""
    port = Run(case, RIGHT, {"features/relu2_1": tensors["features/conv2_1"]})
    names = [name for name in tensors if name.startswith(("features/", "gram/", "loss/"))]
    found = diagnose(case, {name: port.value(name) for name in names}, "float64")
    assert not any("other tensors do not follow it" in finding.detail for finding in found.findings)
    slip = diagnose(case, {**tensors, "features/relu2_1": tensors["features/conv2_1"]}, "float64")
    assert "other tensors do not follow it" in slip.findings[0].detail
