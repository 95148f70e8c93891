"""What is measured of a backend whose package says nothing of it, or a part; the fake has no module `device`."""

from dataclasses import replace

import numpy as np
import pytest

from common import Network, RosettaError
from common.backend import load_backend, registered, registry


def test_what_a_package_does_not_measure_has_a_default(fake, monkeypatch, weights):
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    backend, network = load_backend("fake"), Network(weights)
    assert backend.best_device() == "cpu"
    backend.check_arithmetic(network)
    with pytest.raises(RosettaError, match="there is no device 'gpu' for this backend: use cpu"):
        backend.check_arithmetic(replace(network, device="gpu"))
    with pytest.raises(RosettaError, match="TF32 needs"):
        backend.check_arithmetic(replace(network, precision="tf32"))
    assert backend.peak_memory(network) is None
    assert backend.environment(network) == {"flags": {}, "threads": {}, "gpu": None}
    product = backend.matrix_product(3, replace(network, precision="float64"))()
    assert (product.shape, product.dtype) == ((3, 3), np.float64)


def test_a_package_may_answer_a_part_of_what_is_measured(fake, outside, monkeypatch, weights):
    (outside / "fake_impl" / "device.py").write_text("def best_device():\n    return 'gpu'\n")
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    backend = load_backend("fake")
    assert (backend.best_device(), backend.peak_memory(Network(weights))) == ("gpu", None)
