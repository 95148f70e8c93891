"""The two implementations say the same thing in the same order: files, names, parameters, first lines."""

import ast
from pathlib import Path

import pytest

from common.backend import BACKENDS

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [entry.package for entry in BACKENDS.values() if (ROOT / entry.package).is_dir()]
FILES = sorted(path.name for path in (ROOT / PACKAGES[0]).glob("*.py"))


def outline(path):
    """Every public class, function and method in order, with its parameters and its docstring's first line."""
    tree = ast.parse(path.read_text())
    lines = [(path.name, first_line(tree))] if path.name != "__init__.py" else []
    for node in [inner for outer in tree.body for inner in (outer, *methods(outer))]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not hidden(node.name):
            lines.append((node.name, parameters(node), first_line(node)))
    return lines


def methods(node):
    return node.body if isinstance(node, ast.ClassDef) else []


def hidden(name):
    return name.startswith("_") and name != "__init__"


def parameters(node):
    if isinstance(node, ast.ClassDef):
        return []
    return [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def first_line(node):
    return (ast.get_docstring(node) or "").split("\n")[0]


def test_the_packages_have_the_same_files():
    for package in PACKAGES[1:]:
        assert sorted(path.name for path in (ROOT / package).glob("*.py")) == FILES


# PyTorch calls a model's computation `forward`, Keras `call`: the frameworks' own names.
OWN_NAMES = {"forward": "call"}


@pytest.mark.parametrize("package", PACKAGES[1:])
@pytest.mark.parametrize("name", [name for name in FILES if name != "__main__.py"])
def test_each_file_is_the_others_mirror(package, name):
    ours = [(OWN_NAMES.get(entry[0], entry[0]), *entry[1:]) for entry in outline(ROOT / PACKAGES[0] / name)]
    assert ours == outline(ROOT / package / name)


def test_a_planted_difference_is_seen(tmp_path):
    path = tmp_path / "losses.py"
    source = (ROOT / PACKAGES[0] / "losses.py").read_text()
    for changed in (
        source.replace("def gram(feature", "def gram(features"),
        source.replace("The mean Gram matrix", "The Gram matrix"),
        source.replace("def gram(", "def gramm("),
    ):
        assert changed != source
        path.write_text(changed)
        assert outline(path) != outline(ROOT / PACKAGES[0] / "losses.py")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_long(package):
    for path in (ROOT / package).glob("*.py"):
        assert len(path.read_text().splitlines()) <= 150, path.name
