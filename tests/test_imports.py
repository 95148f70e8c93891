"""Imports go one way: common <- torch_impl, keras_impl <- compare.py, tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FRAMEWORKS = {"torch", "torchvision", "tensorflow", "keras", "jax"}
FORBIDDEN = {
    "common": FRAMEWORKS | {"torch_impl", "keras_impl", "compare", "tests"},
    "torch_impl": {"tensorflow", "keras", "keras_impl", "compare", "tests"},
    "keras_impl": {"torch", "torchvision", "torch_impl", "compare", "tests"},
}


def imported(path):
    """The top-level names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def violations(root, package):
    files = sorted((root / package).rglob("*.py"))
    return [(path.name, name) for path in files for name in imported(path) if name in FORBIDDEN[package]]


def frameworks_after_importing(root, package):
    """The frameworks in sys.modules after every module of a package was imported in a fresh process."""
    modules = [".".join(path.relative_to(root).with_suffix("").parts) for path in (root / package).rglob("*.py")]
    names = [name.removesuffix(".__init__") for name in modules if not name.endswith("__main__")]
    code = f"import importlib, sys; [importlib.import_module(n) for n in {names}]; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return FRAMEWORKS & {name for name in process.stdout.split() if "." not in name}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_file_imports_against_the_direction(package):
    assert violations(ROOT, package) == []


def test_importing_common_loads_no_framework():
    assert frameworks_after_importing(ROOT, "common") == set()


def test_a_planted_violation_is_seen_by_both(tmp_path):
    package = tmp_path / "common"
    package.mkdir()
    (package / "planted.py").write_text("def late():\n    import torch\n\nimport torch\n")
    assert violations(tmp_path, "common") == [("planted.py", "torch"), ("planted.py", "torch")]
    assert frameworks_after_importing(tmp_path, "common") == {"torch"}


@pytest.mark.parametrize("order", [("torch_impl", "keras_impl"), ("keras_impl", "torch_impl")])
def test_both_run_in_one_process_in_either_order(order):
    """Triton and TensorFlow abort the process when Triton's LLVM is loaded second."""
    code = (
        f"import {order[0]} as first, {order[1]} as second"
        + """
import numpy as np
from common import RECIPES, Problem, load_weights, with_size, with_steps, LongestSide
recipe = with_steps(with_size(RECIPES["d2l"], LongestSide(20)), 2)
picture = np.random.default_rng(0).random((20, 20, 3), np.float32)
problem = Problem(picture, picture[::-1], recipe, load_weights("random"))
print([package.stylize(problem).steps[-1].evaluation for package in (first, second)])
"""
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.stdout.strip() == "[2, 2]", process.stderr[-2000:]
