"""Convolutions that are left out, exchanged, quantised or padded otherwise: planted in the weights or in PyTorch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, forward, random_case, work
from common.tensors import tensor_names
from common.vgg19 import cut


@pytest.fixture(scope="module", params=["gatys", "d2l"])
def case(request):
    return random_case(3, shallow(request.param), load_weights("random"))


def with_weights(case, change):
    """The tensors of the reference with other kernels and biases."""
    weights = case.problem.weights
    kernels, biases = dict(weights.kernels_hwio), dict(weights.biases)
    change(kernels, biases)
    problem = replace(case.problem, weights=replace(weights, kernels_hwio=kernels, biases=biases))
    run = Run(replace(case, problem=problem))
    names = [name for name in tensor_names(case.problem) if name.startswith(("pixels", "gram/", "target/", "loss/"))]
    return {name: run.expected(name) for name in names}


def in_8_bits(kernels, _):
    for name, kernel in kernels.items():
        scale = np.abs(kernel.astype(np.float64)).max() / 127
        kernels[name] = np.rint(kernel / scale) * scale


def exchanged(kernels, biases):
    for table in (kernels, biases):
        table["conv3_2"], table["conv3_3"] = table["conv3_3"], table["conv3_2"]


def test_kernels_in_8_bits_are_named(case):
    first, *_ = diagnose(case, with_weights(case, in_8_bits), "float64").findings
    assert first.evidence == "every convolution is with its kernel rounded to 8 bits"


def test_layers_with_each_others_weights_are_named():
    recipe = replace(shallow("gatys"), style_taps=("relu1_1", "relu2_1", "relu3_3"))
    case = random_case(3, recipe, load_weights("random"))
    (finding,) = diagnose(case, with_weights(case, exchanged), "float64").findings
    assert finding.evidence == "conv3_2 is with the weights of conv3_3, and conv3_3 is with those of conv3_2"


def test_the_border_of_black_pixels_is_named():
    """PyTorch pads a picture with black before the means are subtracted."""
    case = random_case(3, shallow("gatys"), load_weights("random"))
    weights, rgb = case.problem.network.weights, torch.tensor(case.image, dtype=torch.float64)
    padded = np.pad(rgb.numpy(), ((1, 1), (1, 1), (0, 0)))
    x = torch.tensor(weights.preprocessing.apply(padded).copy()).permute(2, 0, 1)[None]
    kernel = torch.tensor(weights.kernels_hwio["conv1_1"].astype(np.float64)).permute(3, 2, 0, 1)
    out = torch.nn.functional.conv2d(x, kernel, torch.tensor(weights.biases["conv1_1"].astype(np.float64)))
    given = {"input": Run(case).expected("input"), "features/conv1_1": out[0].permute(1, 2, 0).numpy()}
    (finding,) = diagnose(case, given).findings
    assert finding.evidence == "it is padded before the means are subtracted"


def test_a_convolution_that_is_left_out_is_named(case):
    run, x, grams = Run(case), Run(case).expected("input"), {}
    for layer in cut(case.problem.recipe.taps):
        if layer.name not in ("conv2_2", "relu2_2"):
            x = forward(layer, x, run.network, run.variant)
        if layer.name in case.problem.recipe.style_taps:
            grams[f"gram/{layer.name}"] = x.reshape(-1, x.shape[-1]).T @ x.reshape(-1, x.shape[-1]) / (x[..., 0].size)
    (finding,) = diagnose(case, {"pixels": run.expected("pixels"), **grams}, "float64").findings
    assert finding.evidence == "conv2_2 is left out"


def test_a_search_does_the_same_work_again(case):
    given, done = with_weights(case, in_8_bits), []
    for _ in range(2):
        before = work.done()
        diagnose(case, given, "float64")
        done.append(work.done() - before)
    assert done[0] == done[1] > 0
