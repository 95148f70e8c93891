"""What no trap explains: which other tensor it is, what is not judged after it, and one finding for one mistake."""

from dataclasses import replace

import numpy as np
import pytest

from common import RECIPES
from common.doctor.diagnosis import diagnose
from common.doctor.make_case import random_case
from common.doctor.names import tensor_names
from common.doctor.run import Run
from common.doctor.variant import RIGHT
from common.weights import random_weights


@pytest.fixture(scope="module")
def case():
    return random_case(3, RECIPES["d2l"], random_weights(0))


@pytest.fixture(scope="module")
def tensors(case):
    run = Run(case, RIGHT)
    names = [it for it in tensor_names(case.problem) if not it.startswith(("adam/", "lbfgs/"))]
    return {name: np.asarray(run.expected(name)) for name in names}


def known_of(case, tensors, name):
    return next(it for it in diagnose(case, tensors).findings if it.tensor == name).evidence


def test_exchanged_pictures_are_recognised(case, tensors):
    broken = {**tensors, "content/decoded": tensors["style/decoded"], "style/decoded": tensors["content/decoded"]}
    assert known_of(case, broken, "content/decoded").startswith("it is what style/decoded should be")


def test_targets_of_the_wrong_picture_are_recognised(case, tensors):
    exchanged = replace(case, problem=replace(case.problem, style=case.problem.content), style=case.content)
    name = "target/style/relu2_1"
    found = known_of(case, {**tensors, name: Run(exchanged, RIGHT).expected(name)}, name)
    assert found.startswith("it is that of the other picture")


def test_a_total_without_a_term_is_recognised(case, tensors):
    broken = {**tensors, "loss/total": tensors["loss/total"] - tensors["loss/tv"]}
    assert known_of(case, broken, "loss/total").startswith("it is the sum without tv;")


def test_one_mistake_in_every_relu_is_one_finding(case, tensors):
    """A leaky ReLU: its layers are unexplained alike, and the gradient through them cannot be judged."""

    class Leaky(Run):
        def _computed(self, name):
            if not name.startswith("relu"):
                return super()._computed(name)
            below = self.layer(name.replace("relu", "conv"))
            return np.where(below > 0, below, 0.1 * below)

    port = Leaky(case, RIGHT)
    features = {name: port.expected(name) for name in tensors if name.startswith("features/")}
    diagnosis = diagnose(case, {**features, "gradient/pixels": 1.5 * tensors["gradient/pixels"]})
    (finding,) = diagnosis.findings
    assert finding.trap is None
    assert finding.tensor == "features/relu1_1"
    assert finding.also_in[-1] == "features/relu4_4"
    assert "lie where it should be 0" in finding.evidence
    verdicts = {row.name: row.verdict for row in diagnosis.rows}
    assert verdicts["features/conv1_2"] == "inherits"
    assert verdicts["gradient/pixels"] == "inherits"


def test_an_unexplained_term_leaves_the_gradient_without_a_reference(case, tensors):
    """But not the gradient of deeper taps, which the term does not reach."""
    broken = {**tensors, "loss/style/relu2_1": tensors["loss/style/relu2_1"] * 1.2345}
    broken["gradient/features/relu1_1"] = tensors["gradient/features/relu1_1"] * 1.1
    broken["gradient/features/relu4_1"] = tensors["gradient/features/relu4_1"] * 1.1
    diagnosis = diagnose(case, broken)
    assert [it.tensor for it in diagnosis.findings] == ["loss/style/relu2_1", "gradient/features/relu4_1"]
    assert next(it for it in diagnosis.rows if it.name == "gradient/features/relu1_1").verdict == "inherits"


def test_a_gradient_is_not_judged_by_a_total_that_nothing_explains(case, tensors):
    broken = {name: tensors[name] for name in tensors if not name.startswith("gradient/")}
    total = tensors["loss/total"] - tensors["loss/tv"]
    (finding,) = diagnose(
        case, {**broken, "loss/total": total, "gradient/pixels": tensors["gradient/pixels"] * 1.1}
    ).findings
    assert finding.tensor == "loss/total"
