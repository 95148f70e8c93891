"""The instrument that judges agreement: it must see differences, and must see through a flipped max-pool choice."""

from dataclasses import replace

import numpy as np
import pytest
from shallow import shallow

from common import RECIPES, Problem
from common.comparison.agreement import GRADIENT, Quantity, compare
from common.comparison.reporting.summary import explanation_lines
from common.distances import cosine_gap, relative, relative_l2
from common.oracle.case import case_at
from common.oracle.decisions import count_flips
from common.oracle.layers import windows
from common.oracle.run import Run
from common.tensors import tensor_names
from common.vgg19.layers import cut
from common.vgg19.weights import random_weights


@pytest.fixture(scope="module")
def problem(problem_for):
    return problem_for(shallow("d2l"), "float32")


@pytest.fixture(scope="module")
def own(problem, image):
    """The oracle itself in the place of a backend."""
    run = Run(case_at(problem, image))
    names = [name for name in tensor_names(problem) if name.startswith(("features/", "loss/"))]
    return {name: run.expected(name) for name in (*names, GRADIENT)}


def differing(problem, image, tensors):
    """The quantities whose difference is not within their bound; a table that has none agrees, and no other."""
    agreement = compare(Run(case_at(problem, image)), {"torch": tensors}, explained=False)
    found = set()
    for row in agreement.rows:
        within = row.bound is None or all(difference <= row.bound for difference in row.differences.values())
        assert row.agrees is within, row
        found |= set() if within else {row.quantity}
    assert agreement.agrees is (found == set())
    return found


def changed(tensors, name, factor):
    return {**tensors, name: tensors[name] * factor}


def test_the_oracle_agrees_with_itself(problem, image, own):
    assert differing(problem, image, own) == set()


def test_a_wrong_feature_is_seen(problem, image, own):
    assert "features relu3_1" in differing(problem, image, changed(own, "features/relu3_1", 1.001))


def test_a_wrong_loss_term_is_seen(problem, image, own):
    assert "loss style relu2_1" in differing(problem, image, changed(own, "loss/style/relu2_1", 1.001))


@pytest.mark.parametrize("factor", [1.001, -1.0, np.nan])
def test_a_wrong_gradient_is_seen_even_where_a_flip_forgives_the_norm(problem, image, own, factor):
    wrong = changed(own, GRADIENT, factor)
    assert {"gradient", "gradient, same choices"} <= differing(problem, image, wrong)
    flipped, _ = with_the_nearest_tie_flipped(wrong, "features/relu1_2")
    assert "gradient, same choices" in differing(problem, image, flipped)


def test_the_port_doctor_says_why_something_differs(problem, image, own):
    agreement = compare(Run(case_at(problem, image)), {"torch": changed(own, "loss/tv", 2.0), "keras": own})
    assert not agreement.agrees
    assert [finding.trap for finding in agreement.findings["torch"]][:1] == [20]
    assert agreement.findings["keras"] == ()
    assert agreement.findings["torch"][0].tensor == "loss/tv"
    lines = list(explanation_lines(agreement))
    assert lines[0] == "What the port doctor finds in torch:"
    assert any("in this tensor; other tensors do not follow it" in line for line in lines)
    assert not any("keras" in line for line in lines)


def with_the_nearest_tie_flipped(trace, layer):
    """The trace with the two largest values swapped in the window where they are closest, and their gap."""
    flipped = trace[layer].copy()
    blocks = windows(flipped)
    order = np.sort(blocks, axis=2)
    gap = np.where(order[:, :, 3] > 0.1 * order.max(), order[:, :, 3] - order[:, :, 2], np.inf)
    row, column, channel = np.unravel_index(gap.argmin(), gap.shape)
    first, second = np.argsort(blocks[row, column, :, channel])[[3, 2]]
    places = [(2 * row + index // 2, 2 * column + index % 2, channel) for index in (first, second)]
    flipped[places[0]], flipped[places[1]] = flipped[places[1]], flipped[places[0]]
    return {**trace, layer: flipped}, gap.min()


def gradient_of(problem, tensors, image):
    return run_of(problem, tensors, image).expected(GRADIENT)


def run_of(problem, tensors, image):
    features = {name: array for name, array in tensors.items() if name.startswith("features/")}
    return Run(case_at(problem, image), given=features)


def test_one_flipped_choice_moves_the_gradient_far_more_than_the_features(problem, image, own):
    """The trap that is no bug: a max-pool flip, planted in a single window."""
    flipped, gap = with_the_nearest_tie_flipped(own, "features/relu1_2")
    gradient = gradient_of(problem, flipped, image)
    features_by = relative_l2(flipped["features/relu1_2"], own["features/relu1_2"])
    gradient_by = relative_l2(gradient, own[GRADIENT])
    assert gap > 0
    assert features_by < 1e-6
    assert gradient_by > 1e-3
    flips = count_flips(run_of(problem, flipped, image), run_of(problem, own, image))
    assert (flips.relu, flips.pool) == (0, 1)


def test_a_flip_is_seen_through(problem, image, own):
    """Followed in its own choices, the flipped implementation is the same as the oracle: no bug."""
    flipped, _ = with_the_nearest_tie_flipped(own, "features/relu2_2")
    flipped = {**flipped, GRADIENT: gradient_of(problem, flipped, image)}
    agreement = compare(Run(case_at(problem, image)), {"torch": flipped}, explained=False)
    rows = {row.quantity: row for row in agreement.rows}
    assert agreement.flips["torch"].pool == 1
    assert rows["gradient"].bound is None
    assert rows["gradient, same choices"].differences["torch-oracle"] < 1e-12


def passing_each_channel_on(convs):
    """Weights of which each output channel is one input channel: sums of one number and zeros, exact in any order."""
    kernels, biases = {}, {}
    for conv in convs:
        kernel = np.zeros((3, 3, conv.in_channels, conv.out_channels), np.float32)
        kernel[1, 1, np.arange(conv.out_channels) % conv.in_channels, np.arange(conv.out_channels)] = 1
        kernels[conv.name], biases[conv.name] = kernel, np.zeros(conv.out_channels, np.float32)
    return replace(random_weights(), name="identity", kernels_hwio=kernels, biases=biases)


def test_equal_values_in_a_window_go_to_the_first(backend, content, style):
    """On a flat image every window is a tie, and all take the first value in reading order.

    Ties by construction, on any processor: a convolution with real kernels may add equal numbers in another order at
    another place.
    """
    recipe = replace(RECIPES["keras-notebook"], style_taps=("relu3_1",), tv_weight=0.0, tv_form="none")
    layers = [layer for layer in cut(recipe.taps) if layer.kind == "conv"]
    problem = Problem(content, style, recipe, passing_each_channel_on(layers), "float64")
    flat = np.full_like(content, 0.5)
    run = Run(case_at(problem, flat))
    for name in ("features/relu1_2", "features/relu2_2"):
        feature = run.expected(name)
        assert (feature == feature[0, 0]).all()
        assert (feature > 0).all()
    expected = run.expected(GRADIENT)
    _, gradient = backend.value_and_grad(flat, problem)
    height, width = (4 * (side // 4) for side in flat.shape[:2])
    firsts = [[row, column] for row in range(0, height, 4) for column in range(0, width, 4)]
    assert np.argwhere(expected.any(axis=2)).tolist() == firsts
    assert np.argwhere(gradient.any(axis=2)).tolist() == firsts
    assert relative_l2(gradient, expected) <= 1e-10


def test_a_nan_never_agrees():
    assert not Quantity("x", {"a-b": float("nan")}, 1.0).agrees
    assert Quantity("x", {"a-b": float("nan")}, None).agrees


def test_the_measures_by_hand():
    assert relative(3.0, 2.0) == 0.5
    assert relative(0.0, 0.0) == 0.0
    assert relative_l2(np.array([3.0, 4.0]), np.array([0.0, 4.0])) == 0.75
    assert cosine_gap(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == pytest.approx(1.0)
    assert cosine_gap(np.array([1.0, 1.0]), np.array([3.0, 3.0])) == pytest.approx(0.0, abs=1e-15)
