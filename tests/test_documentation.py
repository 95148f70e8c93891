"""The README and docs/ keep their word: commands parse, Python runs, links lead somewhere, excerpts are the code."""

import ast
import re
import shlex
import subprocess
import sys

import pytest
from run_documented_commands import PAGES, ROOT, Command, all_commands, commands_of, differences

from common.backend import BACKENDS
from common.cli.main import parse
from common.cli.stylize import parser_for

README = (ROOT / "README.md").read_text()
PROGRAMS = {entry.package: entry for entry in BACKENDS.values()}
COMMANDS = [command for command in all_commands() if not command.is_template]
OF_C = {"sed", "cc", *(f"./{name}" for command in COMMANDS for name in re.findall(r"^cc .*-o (\S+)", command.text))}


def anchors(text):
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_into_the_repository_leads_somewhere(page):
    folder = (ROOT / page).parent
    for link in re.findall(r"\]\((?!http)([^)\s]+)\)", (ROOT / page).read_text()):
        path, _, anchor = link.partition("#")
        target = folder / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page}: {command.text}")
def test_every_command_is_understood(command):
    for part in command.text.split("&&"):
        words = shlex.split(part)
        if words[:2] == ["python", "compare.py"]:
            parse(words[2:])
        elif words[:2] == ["python", "-m"] and words[2] in PROGRAMS:
            parser_for(PROGRAMS[words[2]], words[2]).parse_args(words[3:])
        elif words[0] in OF_C:
            assert len(words) > 2
        elif words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file()
        else:
            assert words[2] in ("pip", "pytest")


@pytest.mark.parametrize("path", sorted((ROOT / "tests/benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_is_documented_and_starts(path):
    if "def main()" not in path.read_text():
        return  # what the benchmarks share
    assert f"python tests/benchmarks/{path.name}" in (ROOT / "docs/performance.md").read_text()
    process = subprocess.run([sys.executable, path, "--help"], capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES)
def test_python_runs(page, tmp_path):
    for code in re.findall(
        r"^```python\n(import .*?|from .*?)^```", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE
    ):
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
        process = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert process.returncode == 0, process.stderr


def bare(function):
    """A function's source without docstring and annotations."""
    function.body = [node for node in function.body if not isinstance(node, ast.Expr)]
    function.returns = None
    for argument in function.args.args:
        argument.annotation = None
    return ast.unparse(function)


def functions(source):
    return {node.name: bare(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def test_the_losses_side_by_side_are_the_packages_own():
    excerpts = [functions(code) for code in re.findall(r"```python\n(def gram.*?)```", README, flags=re.DOTALL)]
    own = [entry for entry in BACKENDS.values() if (ROOT / entry.package).is_dir()]
    for entry, shown in zip(own, excerpts, strict=True):
        code = functions((ROOT / entry.package / "losses.py").read_text())
        assert shown == {name: code[name] for name in ("gram", "style_loss")}


def test_the_heart_of_the_faulty_port_is_the_examples_own():
    [shown] = re.findall(
        r"```python\n(def features.*?)```", (ROOT / "docs/port-doctor.md").read_text(), flags=re.DOTALL
    )
    assert shown.strip() in (ROOT / "examples/faulty_port.py").read_text()


def test_the_port_in_c_is_shown_as_it_is():
    shown = re.findall(r"```c\n(.*?)```", (ROOT / "docs/port-in-c.md").read_text(), flags=re.DOTALL)
    source = (ROOT / "examples/port_in_c/port.c").read_text()
    assert len(shown) == 4
    assert [code for code in shown if code not in source] == []


def test_the_readme_is_as_long_as_a_newcomer_reads():
    assert 120 <= len(README.splitlines()) <= 150


def test_nothing_is_left_to_fill_in():
    assert [page for page in PAGES if "@@" in (ROOT / page).read_text()] == []


def test_a_pages_commands_are_found_with_what_it_says_of_them():
    indented, template = "text\n\n    python a.py  # why\n\n", "<!-- template -->\n\n    python d.py X\n"
    fenced = "<!-- exits with 1 -->\n```console\n$ python b.py\nout 1.5\n$ python c.py\n```\n"
    a, b, c, d = commands_of("p", indented + fenced + template)
    assert a == Command("p", "python a.py")
    assert (b.text, b.output, b.exit_code) == ("python b.py", ("out 1.5",), 1)
    assert (c.text, c.output, c.exit_code) == ("python c.py", (), 1)
    assert (c.is_template, d.is_template) == (False, True)


def test_numbers_may_differ_from_what_a_page_shows_and_words_may_not():
    command = Command("p", "x", output=("loss 1.25e-3", "..."))
    assert differences(command, "loss 7\nmore") == []
    assert differences(command, "less 7\nmore") == ["- loss #"]
    assert differences(Command("p", "x", output=("a 1",)), "a 2\nb") == ["+ b"]
