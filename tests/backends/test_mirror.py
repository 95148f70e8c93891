"""The implementations say the same thing in the same order: files, names, parameters, first lines."""

import ast
import tokenize
from importlib.util import find_spec
from pathlib import Path

import pytest

from common.backend import BACKENDS

# Not imported, which would import the frameworks.
FOLDERS = [Path(find_spec(entry.package).origin).parent for entry in BACKENDS.values()]
FIRST, *REST = FOLDERS
OWN = [folder for folder in FOLDERS if folder.parent == Path(__file__).resolve().parents[2]]
# Of a package of its own: what is measured has defaults, and a mode and tiles are a choice.
OPTIONAL = {"device.py", "lean.py", "tiles.py"}
CHOICES = {"lean.py", "tiles.py"}
FILES = sorted(path.name for path in FIRST.glob("*.py"))


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


@pytest.mark.parametrize("folder", REST, ids=lambda it: it.name)
def test_the_packages_have_the_same_files(folder):
    optional = set() if folder in OWN else OPTIONAL
    assert set(FILES) - optional <= {path.name for path in folder.glob("*.py")} <= set(FILES)


# A model's computation, by the frameworks' own names.
OWN_NAMES = {"forward", "call"}


@pytest.mark.parametrize("folder", REST, ids=lambda it: it.name)
@pytest.mark.parametrize("name", [name for name in FILES if name != "__main__.py"])
def test_each_file_is_the_others_mirror(folder, name):
    if folder not in OWN and name in OPTIONAL and not (folder / name).exists():
        return
    first, other = ([it for it in outline(at / name) if it[0] not in OWN_NAMES] for at in (FIRST, folder))
    assert first == other


def test_a_planted_difference_is_seen(tmp_path):
    path = tmp_path / "losses.py"
    source = (FIRST / "losses.py").read_text()
    for changed in (
        source.replace("def gram(feature", "def gram(features"),
        source.replace("The mean Gram matrix", "The Gram matrix"),
        source.replace("def gram(", "def gramm("),
    ):
        assert changed != source
        path.write_text(changed)
        assert outline(path) != outline(FIRST / "losses.py")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_no_file_is_long(folder):
    for path in folder.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 150, path.name


def lines_of_code(path):
    """The lines of a file that are no blank, comment or docstring."""
    source = path.read_text()
    tree, words = ast.parse(source), tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)
    no_code = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = {line for it in words if it.type not in no_code for line in range(it.start[0], it.end[0] + 1)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_a_backend_takes_350_lines_of_code_without_what_is_a_choice(folder):
    assert 150 < sum(lines_of_code(path) for path in folder.glob("*.py") if path.name not in CHOICES) <= 350


def test_lines_of_code_are_counted_without_what_is_no_code(tmp_path):
    path = tmp_path / "some.py"
    path.write_text(
        '"""Says\nwhat."""\n\nA = (\n    1,  # one\n)\n\n\ndef f():\n    """Does."""\n    # nothing\n    return A\n'
    )
    assert lines_of_code(path) == 5
