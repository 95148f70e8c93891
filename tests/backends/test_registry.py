"""The registry of backends: the repository's own, those of other packages, and those that are broken."""

import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_package import ENTRY, OBJECTIVE, write_package

from common import RECIPES, RosettaError, oracle
from common.backend import BACKENDS, find_entry, load_backend, registered, registry
from common.comparison.workers import Job, Worker
from common.entry import Entry
from common.vgg19.load_weights import locate_weights

ROOT = Path(__file__).resolve().parents[2]


def compare(*arguments):
    command = [sys.executable, str(ROOT / "compare.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_backend_of_another_package_is_one_of_the_registry(fake):
    backends, broken = registered()
    assert list(backends)[:2] == ["torch", "keras"]
    assert set(backends) == {*BACKENDS, "fake"}
    assert backends["fake"].modes == ("plain", "fast")
    assert broken == {}


def test_a_backend_of_another_package_is_offered_by_the_command_line(fake):
    done = compare("--help")
    assert done.returncode == 0, done.stderr
    offered = " ".join(done.stdout.split())
    assert re.search(r"torch, keras.*, fake.*\(default: all\)", offered)
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
    own = {name: entry for name, entry in BACKENDS.items() if (ROOT / entry.package).is_dir()}
    assert registered() == (own, {})
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][registry.GROUP]
    points = [importlib.metadata.EntryPoint(name, value, registry.GROUP) for name, value in written.items()]
    assert {point.name: point.load() for point in points} == own


def test_a_backend_whose_framework_is_missing_is_one_line(fake, outside, monkeypatch):
    (outside / "fake_impl" / "objective.py").write_text("import no_such_framework\n")
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    with pytest.raises(RosettaError, match=r"^NumPy cannot be imported \(No module named 'no_such_framework.*\): try "):
        load_backend("fake")


INCOMPLETE = {
    "no Objective": (("class Objective", "class another"), "no attribute 'Objective'"),
    "no features": (("features =", "another ="), "no attribute 'features'"),
    "no method": (("= recorded = adam =", "="), "fake_impl.objective.Objective lacks adam, recorded: write them"),
    "no base": (("(objective.Objective)", ""), "does not derive from common.objective.Objective"),
}


@pytest.mark.parametrize(("change", "said"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_backend_that_lacks_what_has_no_default_is_one_line(fake, outside, monkeypatch, change, said):
    (outside / "fake_impl" / "objective.py").write_text(OBJECTIVE.replace(*change))
    monkeypatch.setattr(registry, "BACKENDS", registered()[0])
    with pytest.raises(RosettaError, match=said):
        load_backend("fake")


def test_the_environment_is_set_before_the_framework_is_imported(fake, outside, monkeypatch):
    """What it needs in any case; what it likes, where the user has not said otherwise."""
    entry = replace(
        registered()[0]["fake"], variables={"FAKE_NEEDS": "this"}, default_variables={"FAKE_A": "1", "FAKE_B": "1"}
    )
    monkeypatch.setattr(registry, "BACKENDS", {"fake": entry})
    for name, value in {"FAKE_NEEDS": "that", "FAKE_A": "user's"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("FAKE_B", raising=False)
    code = "import os\nSEEN = [os.environ[name] for name in ('FAKE_NEEDS', 'FAKE_A', 'FAKE_B')]\n"
    (outside / "fake_impl" / "objective.py").write_text(code + OBJECTIVE)
    load_backend("fake")
    assert sys.modules["fake_impl.objective"].SEEN == ["this", "user's", "1"]
    monkeypatch.delenv("FAKE_B")


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
    assert {BACKENDS[name].transfer_mode for name in fused} == {"lean"}


@pytest.mark.parametrize("name", BACKENDS)
def test_every_package_offers_what_makes_pictures(name):
    package = importlib.import_module(BACKENDS[name].package)
    assert package.__all__ == ["features", "loss_terms", "stylize", "value_and_grad"]
    assert all(callable(getattr(package, function)) for function in package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'no_such'"):
        package.no_such  # noqa: B018


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
"""


@pytest.mark.parametrize("name", BACKENDS)
def test_a_program_reads_its_options_before_the_framework_is_imported(name):
    entry = BACKENDS[name]
    code = LATE.format(package=entry.package, frameworks=set(entry.distributions))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
