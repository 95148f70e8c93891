"""Which device a transfer takes by itself, as each framework tells; no test has a GPU."""

import pytest
import tensorflow as tf
import torch

from common import Network, RosettaError, load_weights
from common.backend import BACKENDS, load_backend
from torch_impl.arrays import native_device


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, False, "gpu"), (True, True, "gpu"), (False, True, "mps"), (False, False, "cpu")]
)
def test_torch_takes_cuda_before_mps_before_the_cpu(monkeypatch, cuda, mps, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert load_backend("torch").best_device() == best


@pytest.mark.parametrize(("gpus", "best"), [(["GPU:0"], "gpu"), ([], "cpu")])
def test_tensorflow_takes_a_gpu_before_the_cpu(monkeypatch, gpus, best):
    backend = load_backend("keras")  # whose import looks at the devices, too
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: gpus)
    assert backend.best_device() == best


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an Apple GPU")
@pytest.mark.parametrize("backend", BACKENDS)
def test_apples_gpu_is_refused_where_there_is_none(backend):
    network = Network(load_weights("random"), device="mps")
    with pytest.raises(RosettaError, match="there is no device 'mps'"):
        load_backend(backend).check_arithmetic(network)


def test_apples_gpu_computes_in_float32_alone(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert native_device(Network(load_weights("random"), device="mps")) == torch.device("mps")
    with pytest.raises(RosettaError, match="mps does not compute in float64 here: use float32, or cpu"):
        load_backend("torch").check_arithmetic(Network(load_weights("random"), precision="float64", device="mps"))
