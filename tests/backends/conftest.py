"""A folder for packages that are installed beside this one, and the fake backend in it."""

import os
import sys

import pytest
from fake_package import PACKAGE, write_package


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder on the path of this process and of those that it starts."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("fake_impl", "broken_impl")):
            del sys.modules[name]


@pytest.fixture
def fake(outside):
    write_package(outside, "fake_impl", PACKAGE, {"fake": "fake_impl.entry:ENTRY"})
