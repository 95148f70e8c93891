"""The operations of an evaluation, against PyTorch's own counter and by hand, and the ceiling."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from common import RECIPES, Problem, load_weights
from common.comparison.measurement import Limit, ceiling_flops_per_s, evaluation_flops, forward_flops
from torch_impl.losses import total
from torch_impl.objective import Objective

HEIGHT_PX, WIDTH_PX = 37, 35
aten = torch.ops.aten


def counted(recipe):
    """PyTorch's counts of one evaluation, by operation."""
    rng = np.random.default_rng(0)
    content, style = (rng.random((*px, 3), np.float32) for px in ((HEIGHT_PX, WIDTH_PX), (33, 40)))
    problem = Problem(content, style, recipe, load_weights("random"))
    objective = Objective(problem)
    leaf = objective.variable(problem.pixels(content)).requires_grad_()
    with FlopCounterMode(display=False) as counter:
        terms = objective.terms(leaf * 1)  # the counter cannot bear a module whose input is a leaf
        torch.autograd.grad(total(terms), leaf)
    counts = counter.get_flop_counts()["Global"]
    assert set(counts) <= {aten.convolution, aten.convolution_backward, aten.mm}
    return counts


@pytest.fixture(scope="module", params=RECIPES.values(), ids=list(RECIPES))
def recipe(request):
    return request.param


@pytest.fixture(scope="module")
def counts(recipe):
    return counted(recipe)


def convolutions_of(recipe):
    """Our count of a forward pass without its Gram matrices: the same taps, all of them for content."""
    return forward_flops(replace(recipe, style_taps=(), content_taps=recipe.taps), HEIGHT_PX, WIDTH_PX)


def test_the_convolutions_are_what_pytorch_counts_forward(recipe, counts):
    assert convolutions_of(recipe) == counts[aten.convolution]


def test_the_gradient_of_every_convolutions_input_is_what_pytorch_counts_backward(recipe, counts):
    evaluation = evaluation_flops(replace(recipe, style_taps=(), content_taps=recipe.taps), HEIGHT_PX, WIDTH_PX)
    assert evaluation - convolutions_of(recipe) == counts[aten.convolution_backward]


def test_autograd_spends_one_more_product_on_a_gram_matrix_than_is_counted(recipe, counts):
    """It does not know that F^T F has one factor twice: G - A times F, and its transpose times F, are added."""
    gram = forward_flops(recipe, HEIGHT_PX, WIDTH_PX) - convolutions_of(recipe)
    assert counts[aten.mm] == 3 * gram
    assert evaluation_flops(recipe, HEIGHT_PX, WIDTH_PX) == sum(counts.values()) - gram


@pytest.mark.parametrize(
    ("style", "content", "flops"),
    [
        ((), ("conv1_1",), 2 * 8 * 6 * (9 * 3) * 64),
        ((), ("relu1_1",), 2 * 8 * 6 * (9 * 3) * 64),
        (("conv1_1",), (), 2 * 8 * 6 * (9 * 3) * 64 + 2 * 8 * 6 * 64 * 64),
        (("relu1_1",), ("conv1_2",), 2 * 8 * 6 * (9 * 3 + 64 + 9 * 64) * 64),
        (("pool1",), (), 2 * 8 * 6 * (9 * 3 + 9 * 64) * 64 + 2 * 4 * 3 * 64 * 64),
        ((), ("conv2_1",), 2 * 8 * 6 * (9 * 3 + 9 * 64) * 64 + 2 * 4 * 3 * (9 * 64) * 128),
    ],
)
def test_the_first_layers_by_hand(style, content, flops):
    recipe = replace(RECIPES["d2l"], style_taps=style, content_taps=content)
    assert forward_flops(recipe, 8, 6) == flops
    assert evaluation_flops(recipe, 8, 6) == 2 * flops


def test_the_fraction_is_of_the_ceiling_of_all_rows_and_may_pass_one():
    assert Limit(10, 30.0, 40.0, 60.0).fraction == 0.5
    assert Limit(10, 90.0, 60.0, 60.0).fraction == 1.5


class Device:
    """Multiplies at a rate, after a fixed time to get going; every other product is twice as slow."""

    def __init__(self, flops_per_s, overhead_s=0.0):
        self.flops_per_s, self.overhead_s, self.asked = flops_per_s, overhead_s, []

    def products_s(self, size, count):
        self.asked.append((size, count))
        fastest_s = self.overhead_s + 2 * size**3 / self.flops_per_s
        return [fastest_s * (2 - index % 2) for index in range(count)]


@pytest.mark.parametrize("flops_per_s", [1e8, 1e11, 1e12, 1e13, 1e15, 1e18])
def test_the_ceiling_is_the_rate_of_the_fastest_product(flops_per_s):
    assert ceiling_flops_per_s(Device(flops_per_s).products_s) == pytest.approx(flops_per_s)


def test_a_slow_device_is_not_given_more_than_the_smallest_product():
    device = Device(1e9)
    ceiling_flops_per_s(device.products_s)
    assert {size for size, _ in device.asked} == {1024}


def test_a_fast_device_is_given_products_so_large_that_getting_going_does_not_count():
    device = Device(5e13, overhead_s=1e-3)
    assert ceiling_flops_per_s(device.products_s) == pytest.approx(5e13, rel=0.06)


def test_however_fast_the_device_the_matrices_do_not_outgrow_its_memory():
    device = Device(1e18)
    ceiling_flops_per_s(device.products_s)
    assert max(size for size, _ in device.asked) == 8192  # 3 x 256 MiB in float32
