"""The switches of a process: every computation sets those that its precision needs, and puts them back."""

import importlib
from dataclasses import replace

import pytest
import tensorflow as tf
import torch
from shallow import shallow

from common import Exactly, Network, load_weights, with_size, with_steps
from common.backend import BACKENDS, load_backend


def torch_allows_tf32():
    return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision() != "highest"


def set_torch(allowed):
    torch.backends.cudnn.allow_tf32 = allowed
    torch.set_float32_matmul_precision("high" if allowed else "highest")


def tensorflow_allows_tf32():
    return (tf.config.experimental.tensor_float_32_execution_enabled(),) * 2


SWITCHES = {
    "torch": (torch_allows_tf32, set_torch),
    "keras": (tensorflow_allows_tf32, tf.config.experimental.enable_tensor_float_32_execution),
}


@pytest.fixture(params=SWITCHES)
def switches(request):
    """A backend's name, whether TF32 is allowed in its framework, and a function that allows or forbids it."""
    allows, allow = SWITCHES[request.param]
    before = allows()[0]
    yield request.param, allows, allow
    allow(before)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("precision", ["float32", "tf32", "float64", "bfloat16"])
def test_a_scope_restores_what_it_switches(switches, precision, before):
    name, allows, allow = switches
    arrays = importlib.import_module(f"{BACKENDS[name].package}.arrays")
    allow(before)
    with arrays.device_scope(Network(load_weights("random"), precision=precision)):
        assert allows() == ((precision == "tf32"),) * 2
        with arrays.device_scope(Network(load_weights("random"))):
            assert allows() == (False, False)
        assert allows() == ((precision == "tf32"),) * 2
    assert allows() == (before, before)
    with pytest.raises(ZeroDivisionError), arrays.device_scope(Network(load_weights("random"), precision=precision)):
        1 / 0  # noqa: B018
    assert allows() == (before, before)


@pytest.mark.parametrize("function", ["features", "loss_terms", "value_and_grad", "evaluation_tensors", "stylize"])
def test_every_function_computes_without_tf32_where_the_process_allows_it(
    switches, monkeypatch, problem_for, image, function
):
    name, allows, allow = switches
    backend, package, seen = load_backend(name), BACKENDS[name].package, []
    trunk = importlib.import_module(f"{package}.objective").Trunk

    class Watched(trunk):
        def __call__(self, *arguments):
            seen.append(allows())
            return super().__call__(*arguments)

    monkeypatch.setattr(f"{package}.objective.Trunk", Watched)
    problem = problem_for(with_steps(with_size(shallow("gatys"), Exactly(20, 22)), 1), "float32")
    problem = replace(problem, weights=load_weights("random"))
    arguments = {"features": (image, ["relu1_1"], problem.network), "stylize": (problem,)}
    more = {"evaluation_tensors": ([],)}
    allow(True)
    getattr(backend, function)(*arguments.get(function, (image, problem)), *more.get(function, ()))
    assert set(seen) == {(False, False)}
    assert allows() == (True, True)
