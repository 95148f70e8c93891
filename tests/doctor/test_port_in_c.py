"""The port in C, from a bundle to a table of which every row is the same, and with faults that turn rows."""

import json
import subprocess
from pathlib import Path

import pytest

from common.cli.main import main

pytestmark = pytest.mark.cc
SOURCES = Path(__file__).parents[2] / "examples" / "port_in_c"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    assert main(["export", str(folder)]) == 0
    return folder


def build(compiler, folder, right="", wrong=""):
    """Compile the port without a warning, with one text in the place of another."""
    source = (SOURCES / "port.c").read_text()
    assert not right or source.count(right) == 1
    (folder / "port.c").write_text(source.replace(right, wrong) if right else source)
    (folder / "tensors.h").write_bytes((SOURCES / "tensors.h").read_bytes())
    run(folder, compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-o", "port", "port.c", "-lm")


def run(folder, *command):
    process = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.fixture
def checked(compiler, bundle, tmp_path):
    """A function that builds and runs the port, perhaps with a fault: the exit code of `check`, and its JSON."""

    def check(right="", wrong=""):
        build(compiler, tmp_path, right, wrong)
        run(tmp_path, "./port", bundle, "theirs.safetensors")
        theirs, report = tmp_path / "theirs.safetensors", tmp_path / "report.json"
        code = main(["check", str(theirs), "--against", str(bundle), "--json", str(report)])
        (found,) = json.loads(report.read_text())
        return code, found

    return check


def test_every_tensor_is_the_references(checked):
    code, found = checked()
    rows = {row["name"]: row for row in found["tensors"]}
    assert code == 0
    assert {row["verdict"] for row in rows.values()} == {"same"}
    assert {"input", "features/conv5_1", "gram/conv5_1", "target/style/relu4_1", "loss/total", "gradient/pixels"} <= {
        *rows
    }
    assert max(row["relative_l2"] for row in rows.values()) < 1e-12


def test_what_is_no_bundle_is_one_line(compiler, tmp_path):
    build(compiler, tmp_path)
    process = subprocess.run(["./port", tmp_path, "x"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr == f"port: cannot read {tmp_path}/tensors.safetensors\n"


@pytest.mark.parametrize(
    ("right", "wrong", "first", "trap"),
    [
        ("* 9 + place];", "* 9 + place % 3 * 3 + place / 3];", "features/conv1_1", 7),
        ("k = TV_WEIGHT / 2 / counts", "k = TV_WEIGHT / counts", "loss/tv", 20),
    ],
    ids=["kernels transposed in space", "total variation twice"],
)
def test_a_fault_is_named(checked, right, wrong, first, trap):
    code, found = checked(right, wrong)
    assert (code, found["first"], found["findings"][0]["trap"]) == (1, first, trap)
