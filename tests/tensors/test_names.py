"""Names of tensors: their parts, and which tensors depend on the operation that makes another."""

import pytest

from common import RECIPES, RosettaError
from common.tensors.names import STAGES, TensorName, tensor_names


def put_together(name):
    return name.kind.replace("/", f"/{name.step}/") if name.step else "/".join(filter(None, (name.kind, name.tap)))


def test_every_name_is_the_sum_of_its_parts(problem_for):
    names = [name for recipe in RECIPES.values() for name in tensor_names(problem_for(recipe))]
    assert all(put_together(TensorName.parse(name)) == name for name in names)
    assert TensorName.parse("target/style/relu4_1") == TensorName("target/style", tap="relu4_1")
    assert TensorName.parse("adam/3/gradient") == TensorName("adam/gradient", step=3)


@pytest.mark.parametrize("text", ["", "x", "features", "relu1_1", "adam/pixels", "adam/0/pixels", "saved/relu1_1"])
def test_what_no_tensor_is_called_is_refused(text):
    with pytest.raises(RosettaError, match="there is no tensor"):
        TensorName.parse(text)


def test_stages_never_go_back_but_for_the_targets(problem_for):
    """The order of the names is that in which data flow, up to the gradient."""
    stages = [STAGES.index(TensorName.parse(name).stage) for name in tensor_names(problem_for(RECIPES["d2l"]))]
    assert stages == sorted(stages)


def test_adams_first_step_is_taken_from_the_image():
    assert TensorName.parse("adam/1/pixels").stepped_from == "pixels"
    assert TensorName.parse("adam/3/gradient").stepped_from == "adam/2/pixels"


@pytest.mark.parametrize(
    ("name", "other", "depends"),
    [
        ("target/style/relu3_1", "features/relu2_1", True),
        ("target/style/relu1_1", "features/relu2_1", False),
        ("target/style/relu2_1", "gram/relu2_1", True),
        ("target/content/relu2_1", "gram/relu2_1", False),
        ("features/relu3_1", "features/relu2_1", False),
        ("gradient/features/relu1_1", "features/relu2_1", True),
        ("gradient/features/relu2_1", "features/relu2_1", False),
        ("gradient/features/relu2_1", "loss/style/relu2_1", True),
        ("gradient/features/relu3_1", "loss/total", True),
        ("gradient/pixels", "input", True),
        ("adam/2/gradient", "gradient/pixels", True),
        ("adam/2/pixels", "gradient/pixels", False),
        ("lbfgs/losses", "loss/tv", True),
        ("lbfgs/losses", "gradient/pixels", False),
        ("gradient/pixels", "content/decoded", False),
    ],
)
def test_what_depends_on_the_operation_that_makes_another(name, other, depends):
    assert TensorName.parse(name).depends_on(TensorName.parse(other)) == depends
