"""Files of tensors: what claims to be larger than it can be."""

import time

import numpy as np
import pytest

from common import RosettaError
from common.tensors import read_tensors


def test_an_archive_that_unpacks_to_gigabytes_is_refused_by_its_header(tmp_path):
    """200 MB of zeros, which deflate to 200 kB."""
    np.savez_compressed(tmp_path / "theirs.npz", pixels=np.zeros(50 * 10**6, np.float32))
    before_s = time.monotonic()
    with pytest.raises(RosettaError, match=r"pixels\.npy unpacks to 1\d{3} times its size"):
        read_tensors(tmp_path / "theirs.npz")
    assert time.monotonic() - before_s < 1


def test_small_arrays_may_be_packed_as_small_as_they_are(tmp_path):
    np.savez_compressed(tmp_path / "theirs.npz", pixels=np.zeros(10**6, np.float32))
    assert read_tensors(tmp_path / "theirs.npz")["pixels"].shape == (10**6,)


def test_a_name_that_stands_twice_in_a_header(tmp_path):
    entry = b'"loss/total":{"dtype":"F32","shape":[],"data_offsets":[0,4]}'
    header = b"{" + entry + b"," + entry + b"}"
    (tmp_path / "theirs.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(RosettaError, match="loss/total"):
        read_tensors(tmp_path / "theirs.safetensors")
