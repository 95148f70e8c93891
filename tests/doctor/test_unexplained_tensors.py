"""What no trap explains: which other tensor it is, what is not judged after it, and one finding for one mistake."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common.doctor.diagnosis.diagnose import dependents, diagnose
from common.doctor.diagnosis.judge import Judge, difference, judged_part
from common.doctor.diagnosis.recognisers.places import in_its_place
from common.doctor.diagnosis.rounding import decisions_found
from common.doctor.diagnosis.unexplained import facts
from common.doctor.hypotheses import hypotheses
from common.oracle.case import random_case
from common.oracle.run import Run
from common.oracle.variant import RIGHT, Variant
from common.tensors.names import tensor_names
from common.vgg19.weights import random_weights


@pytest.fixture(scope="module")
def case():
    return random_case(3, shallow("d2l"), random_weights(0))


def known_of(case, tensors, name):
    return next(it for it in diagnose(case, tensors).findings if it.tensor == name).evidence


def test_exchanged_pictures_are_recognised(case, tensors):
    broken = {**tensors, "content/decoded": tensors["style/decoded"], "style/decoded": tensors["content/decoded"]}
    assert known_of(case, broken, "content/decoded").startswith("it is what style/decoded should be")


def test_targets_of_the_wrong_picture_are_recognised(case):
    exchanged = replace(case, problem=replace(case.problem, style=case.problem.content), style=case.content)
    name = "target/style/relu2_1"
    (clue,) = in_its_place(name, Run(exchanged, RIGHT).expected(name), Judge.of(case, {}, "float32"))
    assert clue.sentence == "it is that of the other picture"


def test_a_total_without_a_term_is_recognised(case, tensors):
    broken = {**tensors, "loss/total": tensors["loss/total"] - tensors["loss/tv"]}
    assert known_of(case, broken, "loss/total") == "it is the sum of the terms without tv"


def test_one_mistake_in_every_relu_is_one_finding(case, tensors):
    """A leaky ReLU: its layers are wrong alike, and what follows is judged by it."""

    class Leaky(Run):
        def computed_layer(self, name):
            if not name.startswith("relu"):
                return super().computed_layer(name)
            below = self.layer(name.replace("relu", "conv"))
            return np.where(below > 0, below, 0.1 * below)

    port = Leaky(case, RIGHT)
    features = {name: port.expected(name) for name in tensors if name.startswith("features/")}
    diagnosis = diagnose(case, features)
    (finding,) = diagnosis.findings
    assert finding.trap is None
    assert finding.tensor == "features/relu1_1"
    assert finding.evidence == "every ReLU is a leaky ReLU with slope 0.1"
    verdicts = {row.name: row.verdict for row in diagnosis.rows}
    assert verdicts["features/conv1_2"] == "inherits"
    assert verdicts["features/relu3_1"] == "inherits"


@pytest.mark.usefixtures("short_search")
def test_an_unexplained_term_leaves_the_gradient_without_a_reference(case, tensors):
    """But not the gradient of deeper taps, which the term does not reach."""
    broken = {**tensors, "loss/style/relu2_1": tensors["loss/style/relu2_1"] * 1.2345}
    broken["gradient/features/relu1_1"] = tensors["gradient/features/relu1_1"] * 1.1
    broken["gradient/features/relu3_1"] = tensors["gradient/features/relu3_1"] * 1.1
    diagnosis = diagnose(case, broken)
    assert [it.tensor for it in diagnosis.findings] == ["loss/style/relu2_1", "gradient/features/relu3_1"]
    assert next(it for it in diagnosis.rows if it.name == "gradient/features/relu1_1").verdict == "inherits"


def test_a_gradient_is_not_judged_by_a_total_that_nothing_explains(case, tensors):
    forward = {name: tensors[name] for name in tensors if not name.startswith("gradient/")}
    broken = {
        "loss/total": tensors["loss/total"] * 1.2345678,
        "gradient/pixels": tensors["gradient/pixels"] * 1.1,
    }
    (finding,) = diagnose(case, {**forward, **broken}).findings
    assert finding.tensor == "loss/total"


def test_a_total_beside_a_right_gradient_is_only_reported_wrongly(case, tensors):
    broken = {"loss/total": tensors["loss/total"] * 1.234, "adam/1/gradient": tensors["gradient/pixels"] * -3}
    diagnosis = diagnose(case, {**tensors, **broken})
    assert [it.tensor for it in diagnosis.findings] == ["loss/total", "adam/1/gradient"]


def test_of_two_traps_found_together_each_names_the_other(case, tensors):
    broken = Run(case, Variant(kernels="flipped", dropped_bias="all")).expected("features/conv1_1")
    found = diagnose(case, {"input": tensors["input"], "features/conv1_1": broken}, "float64").findings
    assert sorted((it.trap.number, it.clues[0].values["trap"]) for it in found) == [(7, 17), (17, 7)]


@pytest.mark.usefixtures("short_search")
def test_different_mistakes_are_different_findings(case, tensors):
    features = {name: it for name, it in tensors.items() if name.startswith("features/")}
    broken = {
        "features/conv1_1": features["features/conv1_1"] * 1.01,
        "features/conv2_2": features["features/conv2_2"] + 5,
    }
    found = diagnose(case, {**features, **broken}).findings
    assert [(it.tensor, it.also_in) for it in found] == [("features/conv1_1", ()), ("features/conv2_2", ())]


def test_a_target_above_an_unexplained_layer_is_judged(case, tensors):
    found = dependents("features/relu2_1", Judge.of(case, tensors, "float32"))
    assert {it for it in found if it.startswith("target/")} == {
        "target/style/relu2_1",
        "target/style/relu3_1",
        "target/content/relu2_2",
    }
    assert {it for it in found if it.startswith("gradient/")} == {"gradient/features/relu1_1", "gradient/pixels"}


def test_what_is_not_finite_explains_nothing():
    assert difference(np.ones(3), np.array([1.0, np.inf, 1.0])).relative == np.inf


def test_not_a_number_is_no_other_training(case, tensors):
    (finding,) = diagnose(case, {"features/conv1_1": np.full_like(tensors["features/conv1_1"], np.nan)}).findings
    assert finding.trap is None


def test_losses_of_lbfgs_are_judged_where_they_are_compared():
    """The first three of 24: a factor is a factor, and no other shape."""
    expected = np.array([0.3, 0.2, 0.1])
    part = judged_part("lbfgs/losses", np.append(2 * expected, np.zeros(21)), expected)
    assert next(facts(part, expected)).sentence.startswith("it is 2 times what it should be")


@pytest.mark.parametrize("name", ["lbfgs/losses", "lbfgs/gradients", "lbfgs/pixels"])
def test_tensors_of_odd_shapes_are_no_traceback(name, case):
    for odd in (np.asarray(1.0), np.zeros((0, *case.problem.pixels(case.image).shape))):
        given = {"lbfgs/pixels": odd, name: odd}
        judge = Judge.of(case, given, "float32")
        assert judge.is_wrong(name)
        assert decisions_found(judge, name) is None


@pytest.mark.parametrize("recipe", ["keras-notebook", "pytorch-blog"])
def test_targets_of_a_style_picture_of_its_own_size_are_recognised(recipe):
    """From the targets and the terms alone, without the picture that they were taken of."""
    case = random_case(3, shallow(recipe, style_size="content"), random_weights(0))
    for hypothesis in hypotheses(case):
        if hypothesis.stage == "gram" and hypothesis.changes.get("own_style_size"):
            broken = Run(case, RIGHT.changed(hypothesis.changes))
            names = [
                it for it in tensor_names(case.problem) if it.startswith(("features/", "target/style/", "loss/style"))
            ]
            found = diagnose(case, {name: np.asarray(broken.expected(name)) for name in names}).findings
            assert [it.trap and it.trap.number for it in found] == [hypothesis.trap]
