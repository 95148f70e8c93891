"""The tensors of a case: the reference's are the oracle's, and every trap's gradient is the derivative of its loss."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from shallow import each_recipe, shallow

from common import Recipe, oracle, resize
from common.oracle.case import Case, random_case, shape_of
from common.oracle.layers import rounded
from common.oracle.pictures import Picture
from common.oracle.resampling import resample
from common.oracle.run import Run
from common.oracle.variant import RIGHT, Variant
from common.recipes.overrides import adam_of
from common.tensors.names import TensorName, tensor_names
from common.vgg19.weights import random_weights


@pytest.fixture
def case_for(problem_for, content, style, image):
    def make(recipe: Recipe) -> Case:
        return Case(problem_for(recipe), Picture(content), Picture(style), image)

    return make


@each_recipe
def test_the_functions_of_the_room_give_the_tensors_of_the_reference(recipe, case_for):
    """The feature maps by way of the checkpoint's own preprocessing, which no recipe has a part in."""
    case = case_for(recipe)
    case = replace(case, image=0.1 + 0.8 * case.image)  # so that rounding to the variable leaves no value beyond [0, 1]
    run, problem = Run(case), case.problem
    picture = problem.recipe.pixel_space.invert(case.problem.pixels(case.image))
    for name, feature in oracle.features(picture, problem.recipe.taps, problem.network).items():
        np.testing.assert_allclose(run.expected(f"features/{name}"), feature, rtol=1e-12, atol=1e-12 * feature.max())
    terms, gradient = oracle.value_and_grad(case.image, problem)
    assert oracle.losses(case.image, problem) == terms
    for name, value in terms.by_name().items():
        if value or name != "tv":
            assert float(run.expected(f"loss/{name.replace(' ', '/')}")) == pytest.approx(value, rel=1e-11)
    np.testing.assert_array_equal(run.expected("gradient/pixels"), gradient)


VARIANTS = {
    "reference": Variant(),
    "unordered": Variant(unordered=True),
    "scrambled": Variant(scrambled="NCHW read as NHWC"),
    "scrambled back": Variant(scrambled="NHWC read as NCHW", unordered=True),
    "twice": Variant(repeated="with the channels", std="ImageNet's of 255"),
    "twice, once in order": Variant(repeated="without the channels"),
    "replicate": Variant(padding="replicate"),
    "reflect": Variant(padding="reflect"),
    "ceil": Variant(ceil_pooling=True),
    "other pooling, ceil, twice as large": Variant(other_pooling=True, ceil_pooling=True, pool_scale=2.0),
    "flipped kernels without biases": Variant(kernels="flipped", dropped_bias="all"),
    "before the ReLU": Variant(taps={"relu1_1": "conv1_1", "relu2_2": "conv2_2"}),
    "another layer": Variant(taps={"relu2_1": "relu2_2", "relu3_1": "relu3_2"}),
    "Gram over positions": Variant(gram_of_positions=True, gram_norm="none"),
    "Gram not normalised": Variant(gram_norm="none"),
    "terms": Variant(term_scale={"style": 0.25, "style/relu1_1": 3.0, "tv": 2.0}, target_scale={"relu2_1": 2.0}),
    "squared TV": Variant(tv_form="sum_squares", tv_space="of 255"),
    "mean squared TV": Variant(tv_form="mean_squares", tv_space="normalised"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_gradient_of_every_variant_is_the_derivative_of_its_loss(name, case_for):
    """By finite differences; decisions may turn within the step, hence the bound."""
    case = case_for(shallow("gatys", tv_weight=1.0, tv_form="sum_abs"))
    style = resize(case.problem.style, *case.problem.content.shape[:2])  # a Gram over positions needs as many
    case = replace(case, problem=replace(case.problem, style=style))
    run = Run(case, VARIANTS[name])
    pixels, gradient = run.expected("pixels"), run.expected("gradient/pixels")
    direction = np.random.default_rng(0).standard_normal(pixels.shape)
    step = 1e-5
    losses = [float(run.at(pixels + offset * step * direction).expected("loss/total")) for offset in (-2, -1, 1, 2)]
    measured = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * step)
    assert measured == pytest.approx(float(np.sum(gradient * direction)), rel=1e-5)


@pytest.mark.parametrize("name", ["reference", "ceil", "another layer"])
def test_tensors_have_the_shapes_that_are_asked_of_a_port(name, case_for):
    """An odd height and width: pools that round up give other shapes."""
    run = Run(case_for(shallow("gatys")), VARIANTS[name])
    for tensor in tensor_names(run.case.problem):
        if TensorName.parse(tensor).stage != "optimizer":
            array = run.expected(tensor)
            assert shape_of(tensor, array, run.case, run.variant) in (None, array.shape), tensor


def test_what_is_given_takes_the_place_of_what_would_be_computed(case_for):
    """A wrong layer is seen where it is, and what follows from it is judged by it."""
    case = case_for(shallow("gatys"))
    right = Run(case, RIGHT)
    wrong = right.expected("features/conv2_1") + 1.0
    run = Run(case, RIGHT, {"features/conv2_1": wrong})
    np.testing.assert_array_equal(run.expected("features/conv2_1"), right.expected("features/conv2_1"))
    np.testing.assert_array_equal(run.expected("features/relu2_1"), np.maximum(wrong, 0))


def test_a_tensor_of_another_shape_is_no_input(case_for):
    case = case_for(shallow("gatys"))
    run = Run(case, RIGHT, {"features/conv2_1": np.zeros((3, 3, 3)), "features/conv3_1": np.full((9, 8, 256), np.nan)})
    np.testing.assert_array_equal(run.expected("features/relu3_1"), Run(case, RIGHT).expected("features/relu3_1"))


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("bicubic", Pillow.Resampling.BICUBIC),
        ("bilinear", Pillow.Resampling.BILINEAR),
        ("box", Pillow.Resampling.BOX),
        ("nearest", Pillow.Resampling.NEAREST),
    ],
)
@pytest.mark.parametrize("size", [(37, 35), (120, 151)])
def test_resampling_is_pillows(name, theirs, size):
    picture = np.random.default_rng(0).random((81, 93), np.float32)
    wanted = np.asarray(Pillow.fromarray(picture).resize(size[::-1], theirs))
    np.testing.assert_allclose(resample(picture[..., None], *size, name)[..., 0], wanted, atol=3e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bilinear, not antialiased", {"mode": "bilinear", "align_corners": False}),
        ("bilinear, corners aligned", {"mode": "bilinear", "align_corners": True}),
        ("bicubic (a = -0.75), not antialiased", {"mode": "bicubic", "align_corners": False}),
        ("nearest, from the corner", {"mode": "nearest"}),
        ("bilinear", {"mode": "bilinear", "align_corners": False, "antialias": True}),
    ],
)
@pytest.mark.parametrize("size", [(37, 35), (120, 151)])
def test_resampling_is_pytorchs(name, options, size):
    picture = np.random.default_rng(0).random((81, 93))
    wanted = torch.nn.functional.interpolate(torch.tensor(picture)[None, None], size=size, **options)[0, 0].numpy()
    np.testing.assert_allclose(resample(picture[..., None], *size, name)[..., 0], wanted, atol=1e-9)


@pytest.mark.parametrize("size", [(37, 35), (120, 151)])
def test_resampling_is_tensorflows(size):
    import tensorflow as tf  # here, so that nothing else in this file waits for it

    picture = np.random.default_rng(0).random((81, 93), np.float32)
    wanted = tf.image.resize(picture[..., None], size, method="bicubic").numpy()[..., 0]
    found = resample(picture[..., None], *size, "bicubic (a = -0.5), not antialiased, from a table")[..., 0]
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_rounding_to_float16_is_pytorchs_and_overflows_as_it_does():
    values = np.append(np.random.default_rng(0).normal(0, 100, 10000), [70000.0, 1e-8])
    np.testing.assert_array_equal(rounded(values, "float16"), torch.tensor(values).half().double().numpy())


def test_rounding_to_bfloat16_is_pytorchs():
    values = np.random.default_rng(0).normal(0, 100, 10000).astype(np.float32).astype(np.float64)
    wanted = torch.tensor(values, dtype=torch.float32).to(torch.bfloat16).double().numpy()
    np.testing.assert_array_equal(rounded(values, "bfloat16"), wanted)


def test_rounding_to_tf32_keeps_ten_bits():
    exact = np.array([1 + 2**-10, 1 + 2**-11, 1 + 3 * 2**-11, -(1 + 2**-11 + 2**-20)])
    np.testing.assert_array_equal(rounded(exact, "tf32"), [1 + 2**-10, 1.0, 1 + 2**-9, -(1 + 2**-10)])


def test_adam_and_lbfgs_start_at_the_image():
    case = random_case(0, shallow("d2l"), random_weights(0))
    run = Run(case, RIGHT)
    step = run.expected("adam/1/pixels") - run.expected("pixels")
    adam = adam_of(case.problem.recipe)
    gradient = run.expected("gradient/pixels")
    wanted = -adam.learning_rate * gradient / (np.abs(gradient) + adam.epsilon)
    np.testing.assert_allclose(step, wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(run.expected("lbfgs/pixels")[0], run.expected("pixels"))
    assert len(run.expected("lbfgs/pixels")) == 24


def test_lbfgs_first_points_are_evaluated_once(monkeypatch):
    """The losses and gradients are those of the evaluations that the points come from, and of none besides."""
    run = Run(random_case(0, shallow("d2l"), random_weights(0)), RIGHT)
    points = run.expected("lbfgs/pixels")
    fresh = [run.at(point) for point in points[:3]]
    monkeypatch.setattr(Run, "at", lambda *_: pytest.fail("evaluated again"))
    for name, tensor in (("lbfgs/losses", "loss/total"), ("lbfgs/gradients", "gradient/pixels")):
        np.testing.assert_array_equal(run.expected(name), [each.expected(tensor) for each in fresh])
