"""The registry of backends: the repository's own, those of other packages, and those that are broken."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from common import RECIPES, RosettaError, oracle
from common.backend import BACKENDS, Backend, find_entry, load_backend, registered, registry
from common.comparison.workers import Job, Worker
from common.entry import Entry
from common.vgg19.load_weights import locate_weights

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = [name for name in vars(Backend) if not name.startswith("_")]

ENTRY = """
from common.entry import Entry

ENTRY = Entry("fake", "NumPy", "fake_impl", "lbfgs", ("plain", "fast"), fused=("fast",), distributions=("numpy",))
"""

# A backend that computes nothing itself, as far as one is needed to answer requests.
IMPLEMENTATION = """
from common import oracle

features, value_and_grad, loss_terms = oracle.features, oracle.value_and_grad, oracle.losses


def check_arithmetic(network):
    pass


def unused(*_):
    raise NotImplementedError


stylize = tensors = evaluation_tensors = Objective = peak_memory = environment = matrix_product = unused
"""


def write_package(folder, name, files, points, distribution=None):
    """A package with its installed metadata, as pip leaves them in a folder."""
    (package := folder / name).mkdir()
    for file, text in files.items():
        (package / file).write_text(text)
    distribution = distribution or name
    (information := folder / f"{distribution.replace('-', '_')}-1.0.dist-info").mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = "\n".join(f"{point} = {value}" for point, value in points.items())
    (information / "entry_points.txt").write_text(f"[style_rosetta.backends]\n{lines}\n")


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
    write_package(
        outside, "fake_impl", {"__init__.py": IMPLEMENTATION, "entry.py": ENTRY}, {"fake": "fake_impl.entry:ENTRY"}
    )


def compare(*arguments):
    command = [sys.executable, str(ROOT / "compare.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_backend_of_another_package_is_one_of_the_registry(fake):
    backends, broken = registered()
    assert list(backends) == [*BACKENDS, "fake"]
    assert backends["fake"].modes == ("plain", "fast")
    assert broken == {}


def test_a_backend_of_another_package_is_offered_by_the_command_line(fake):
    done = compare("--help")
    assert done.returncode == 0, done.stderr
    offered = " ".join(done.stdout.split())
    assert f"{', '.join(BACKENDS)}, fake (default: all)" in offered
    assert "fake: plain, fast" in offered


def test_a_worker_runs_a_backend_of_another_package(fake, monkeypatch, problem_for, image):
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    problem = problem_for(RECIPES["pytorch-tutorial"])
    job = Job(problem=problem, weights_source=locate_weights("keras"), image=image)
    with Worker("fake") as worker:
        assert worker.imported()["versions"]["numpy"] == np.__version__
        losses = worker.ask("losses", job).values["losses"]
    assert losses["style"] == dict(oracle.losses(image, problem).style)


BROKEN = {
    "raises": ({"entry.py": "raise ValueError('no accelerator')"}, "no accelerator"),
    "lacks the object": ({"entry.py": ""}, "ENTRY"),
    "is something else": ({"entry.py": "ENTRY = 'fake'"}, "is no common.entry.Entry"),
    "has another name": ({"entry.py": ENTRY}, "it calls itself fake"),
    "lacks the module": ({}, "No module named"),
    "has no modes": ({"entry.py": ENTRY.replace('("plain", "fast")', "()")}, "name one"),
    "is of another version": ({"entry.py": ENTRY.replace("fused=", "melted=")}, "melted"),
}


@pytest.mark.parametrize(("files", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_named_with_the_reason_and_harms_no_other(outside, monkeypatch, files, reason):
    write_package(outside, "broken_impl", {"__init__.py": "", **files}, {"broken": "broken_impl.entry:ENTRY"})
    backends, broken = registered()
    assert list(backends) == list(BACKENDS)
    monkeypatch.setattr(registry, "BROKEN", broken)
    with pytest.raises(RosettaError) as caught:
        find_entry("broken")
    message = str(caught.value)
    assert message.startswith("the backend 'broken' of the package broken_impl cannot be used (")
    assert reason in message
    assert len(message.splitlines()) == 1


def test_a_broken_package_is_one_line_on_the_command_line(outside):
    files = {"__init__.py": "", "entry.py": BROKEN["raises"][0]["entry.py"]}
    write_package(outside, "broken_impl", files, {"broken": "broken_impl.entry:ENTRY"})
    done = compare("--backends", "broken")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "compare.py: the backend 'broken' of the package broken_impl cannot be used (no accelerator): "
        "repair or uninstall that package"
    ]


def test_another_package_cannot_take_the_name_of_a_backend(outside):
    name = next(iter(BACKENDS))
    files = {"__init__.py": "", "entry.py": ENTRY.replace('"fake"', f'"{name}"', 1)}
    write_package(outside, "fake_impl", files, {name: "fake_impl.entry:ENTRY"})
    backends, broken = registered()
    assert backends == BACKENDS
    assert f"{BACKENDS[name].label} has that name" in broken[name]


def test_what_an_older_install_of_this_repository_registered_is_passed_over(outside):
    points = {"torch": "torch_impl.gone:ENTRY", "gone": "gone_impl.entry:ENTRY"}
    write_package(outside, "stale", {}, points, distribution="style-rosetta")
    assert registered() == (BACKENDS, {})


def test_damaged_metadata_of_another_package_harms_nobody(outside):
    (information := outside / "damaged-1.0.dist-info").mkdir()
    (information / "entry_points.txt").write_text("[style_rosetta.backends]\nno equals sign\n")
    assert registered() == (BACKENDS, {})


def test_the_repositorys_own_need_no_metadata_and_are_those_of_its_metadata(monkeypatch):
    monkeypatch.setattr(registry, "distributions", lambda: [])
    assert registered() == (BACKENDS, {})
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][registry.GROUP]
    points = [importlib.metadata.EntryPoint(name, value, registry.GROUP) for name, value in written.items()]
    assert {point.name: point.load() for point in points} == BACKENDS


def test_a_backend_whose_framework_is_missing_is_one_line(fake, outside, monkeypatch):
    (outside / "fake_impl" / "__init__.py").write_text("def __getattr__(name):\n    import no_such_framework\n")
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    with pytest.raises(RosettaError, match=r"^NumPy cannot be imported \(No module named 'no_such_framework.*\): try "):
        load_backend("fake")


def test_a_backend_that_lacks_a_function_is_one_line(fake, outside, monkeypatch):
    (outside / "fake_impl" / "__init__.py").write_text(IMPLEMENTATION.replace("stylize = ", ""))
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    with pytest.raises(RosettaError, match="no attribute 'stylize"):
        load_backend("fake")


def test_a_backend_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(RosettaError, match=f"no backend 'no-such': choose from {', '.join(BACKENDS)}"):
        load_backend("no-such")


@pytest.mark.parametrize("name", ["", "two words", "a,b", "a:b", "a@b", "a=b"])
def test_a_name_that_the_command_line_could_not_take_is_refused(name):
    with pytest.raises(RosettaError, match="is no name"):
        Entry(name, "Label", "package", "adam", ("eager",))
    with pytest.raises(RosettaError, match="is no name"):
        Entry("fake", "Label", "package", "adam", ("eager", name))


def test_a_distribution_under_another_name_has_an_unknown_version():
    assert Entry("fake", "Label", "package", "adam", ("eager",), distributions=("no-such",)).versions() == {
        "no-such": "unknown"
    }


def test_a_mode_for_transfers_is_one_of_the_modes():
    with pytest.raises(RosettaError, match="has no mode 'lean'"):
        Entry("fake", "Label", "package", "adam", ("eager",), transfer_mode="lean")


def test_the_modes_whose_inner_values_cannot_be_seen_are_said_to():
    fused = {name: BACKENDS[name].fused for name in ("torch", "keras")}
    assert fused == {"torch": ("compiled", "lean"), "keras": ("xla", "lean")}


def test_every_package_exports_the_functions_of_a_backend(backend):
    assert sorted(backend.__all__) == sorted([*FUNCTIONS, "best_device"])
    assert all(callable(getattr(backend, name)) for name in FUNCTIONS)
    with pytest.raises(AttributeError, match="has no attribute 'no_such'"):
        backend.no_such  # noqa: B018


LATE = """
import runpy, sys
sys.argv = ["package", "--help"]
try:
    runpy.run_module({package!r}, run_name="__main__")
except SystemExit as left:
    assert left.code == 0
frameworks = {frameworks!r}
assert not frameworks & set(sys.modules), frameworks & set(sys.modules)
from {package} import features
assert frameworks <= set(sys.modules)
assert features.__module__ == "{package}.objective"
"""


@pytest.mark.parametrize("name", BACKENDS)
def test_a_program_reads_its_options_before_the_framework_is_imported(name):
    entry = BACKENDS[name]
    code = LATE.format(package=entry.package, frameworks=set(entry.distributions))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
