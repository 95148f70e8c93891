"""Imports go one way: common <- torch_impl, keras_impl <- compare.py, tests."""

import ast
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from common.backend import BACKENDS

ROOT = Path(__file__).resolve().parents[1]
OWN = [entry for entry in BACKENDS.values() if (ROOT / entry.package).is_dir()]
PACKAGES = [entry.package for entry in OWN]
FRAMEWORKS = {"torchvision", "jax", *(name for entry in OWN for name in entry.distributions)}
FORBIDDEN = {
    "common": FRAMEWORKS | {*PACKAGES, "compare", "tests"},
    **{
        entry.package: (FRAMEWORKS | {*PACKAGES, "compare", "tests"}) - {entry.package, *entry.distributions}
        for entry in OWN
    },
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


# Each line may import from the lines above it, and its own room from within.
ORDER = (
    "errors footprint",
    "machine framework_imports distances terminal writing input_files json_values",
    "samples vgg19",
    "recipes",
    "images lbfgs entry",
    "results",
    "problem",
    "tolerances points divergence",
    "objective",
    "tensors",
    "tiles",
    "memory",
    "checkpoints",
    "recorder",
    "mixed_objective",
    "stages",
    "oracle",
    "backend",
    "doctor.hypotheses",
    "doctor.diagnosis",
    "doctor.port doctor.picture",
    "doctor",
    "comparison.published comparison.progress comparison.workers",
    "comparison.measurement comparison.request comparison.agreement comparison.devices",
    "comparison.scene",
    "comparison.row_runner comparison.memory_plan",
    "comparison.session",
    "comparison.reporting",
    "comparison.rendering",
    "comparison",
    "cli",
)
RANKS = {f"common.{name}": rank for rank, names in enumerate(ORDER) for name in names.split()}


def modules_imported(path):
    """The modules of `common` that a file names in its imports, by line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("common.") and not node.level:
            rooms = [name for alias in node.names if (name := f"{node.module}.{alias.name}") in RANKS]
            yield from rooms or ([] if node.module == "common" else [node.module])


def module_of(root, path):
    return ".".join(path.relative_to(root).with_suffix("").parts)


def is_within(module, room):
    return f"{module}.".startswith(f"{room}.")


def rank_of(module):
    return max((place for place in RANKS if is_within(module, place)), key=len, default="unknown")


def against_the_order(root):
    """Imports of a module that comes later, or beside."""
    found = []
    for path in sorted((root / "common").rglob("*.py")):
        ours = module_of(root, path)
        for theirs in modules_imported(path):
            mine, its = rank_of(ours), rank_of(theirs)
            within = is_within(ours, its) or is_within(its, mine)
            if not within and RANKS.get(mine, 99) <= RANKS.get(its, 99):
                found.append((ours, theirs))
    return found


def past_the_doors(root):
    """Imports of a module inside a room from outside of it; `comparison` and `cli` are entered by their rooms."""
    folders = [path.parent for path in (root / "common").rglob("__init__.py")]
    rooms = {".".join(folder.relative_to(root).parts) for folder in folders} - {
        "common",
        "common.comparison",
        "common.cli",
    }
    packages = [path for package in FORBIDDEN for path in (root / package).rglob("*.py")]
    return [
        (module_of(root, path), theirs)
        for path in sorted(packages)
        for theirs in modules_imported(path)
        if any(
            is_within(theirs, room) and theirs != room and not is_within(module_of(root, path), room) for room in rooms
        )
    ]


def test_imports_follow_the_order_of_the_rooms():
    assert against_the_order(ROOT) == []


def test_rooms_are_entered_by_their_doors():
    assert past_the_doors(ROOT) == []


def test_every_room_has_a_door():
    folders = {path.parent for path in (ROOT / "common").rglob("*.py")}
    assert [
        folder for folder in sorted(folders) if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    ] == []


def test_a_planted_import_against_the_order_or_past_a_door_is_seen(tmp_path):
    for name, code in {
        "vgg19": "from common.doctor import Case",
        "doctor": "from common.vgg19.layers import LAYERS",
    }.items():
        (room := tmp_path / "common" / name).mkdir(parents=True)
        (room / "__init__.py").write_text('"""A room."""\n')
        (room / "planted.py").write_text(code + "\n")
    assert against_the_order(tmp_path) == [("common.vgg19.planted", "common.doctor")]
    assert past_the_doors(tmp_path) == [("common.doctor.planted", "common.vgg19.layers")]


# Triton aborts the process where it is loaded second, so that the reverse order is the telling one.
ORDERS = [
    pytest.param(order, marks=() if order == tuple(PACKAGES[::-1]) else pytest.mark.thorough)
    for order in permutations(PACKAGES, 2)
]


@pytest.mark.parametrize("order", ORDERS)
def test_both_run_in_one_process_in_either_order(order):
    """Triton and TensorFlow abort the process when Triton's LLVM is loaded second."""
    code = (
        f"import {order[0]} as first, {order[1]} as second"
        + """
from dataclasses import replace
import numpy as np
from common import RECIPES, Problem, load_weights, with_size, with_steps, LongestSide
recipe = replace(RECIPES["d2l"], style_taps=("relu1_1",), content_taps=("relu1_1",))
recipe = with_steps(with_size(recipe, LongestSide(20)), 2)
picture = np.random.default_rng(0).random((20, 20, 3), np.float32)
problem = Problem(picture, picture[::-1], recipe, load_weights("random"))
print([package.stylize(problem).steps[-1].evaluation for package in (first, second)])
"""
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.stdout.strip() == "[2, 2]", process.stderr[-2000:]
