"""The command line: which command is meant, what `--help` loads, and what an examination ends with."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.backend import BACKENDS
from common.cli import check, stylize
from common.cli.main import main, parse
from common.cli.requests import measured_request_from
from common.comparison import devices

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"scipy", "h5py", "torch", "tensorflow", "keras", "matplotlib", "skimage", "rich", "jinja2"}


@pytest.mark.parametrize(
    ("arguments", "command", "content"),
    [
        ([], "compare", None),
        (["--size", "64"], "compare", None),
        (["a.png", "b.png"], "compare", "a.png"),
        (["--size", "64", "a.png", "b.png"], "compare", "a.png"),
        (["./check", "style.png"], "compare", "./check"),
        (["compare", "check", "style.png"], "compare", "check"),
        (["--rounds", "2", "check", "style.png"], "compare", "check"),
        (["gallery", "a.png", "b.png"], "gallery", "a.png"),
        (["losses", "a.png", "b.png", "c.png"], "losses", "a.png"),
    ],
)
def test_a_command_is_the_first_argument_or_none(arguments, command, content):
    options = parse(arguments)
    assert (options.command, options.content) == (command, content)


@pytest.mark.parametrize(
    ("arguments", "rounds"),
    [([], 10), (["--thorough"], 20), (["--rounds", "6"], 6), (["--thorough", "--rounds", "6"], 6)],
)
def test_the_rounds_are_those_that_are_named(arguments, rounds):
    assert measured_request_from(parse(["--weights", "random", *arguments])).rounds == rounds


def test_a_command_has_its_own_options():
    assert parse(["check", "theirs.npz"]).theirs == "theirs.npz"
    assert parse(["doctor", *BACKENDS]).backend == list(BACKENDS)
    assert parse(["export", "bundle"]).folder == "bundle"


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"]], ids=" ".join)
def test_help_loads_neither_a_framework_nor_matplotlib(arguments):
    code = (
        "import sys; from common.cli.main import main\ntry: main(sys.argv[1:])\nexcept SystemExit as end: "
        "print(end.code, *sys.modules, file=sys.stderr)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    exit_code, *modules = process.stderr.split()
    assert exit_code == "0"
    assert "usage: compare.py" in process.stdout
    assert not {name.split(".")[0] for name in modules} & HEAVY


@pytest.mark.parametrize(
    ("arguments", "optimizer"),
    [
        ([], "customary"),
        (["--recipe", "gatys"], "recipe"),
        (["--recipe", "gatys", "--optimizer", "adam"], "adam"),
        (["--optimizer", "recipe"], "recipe"),
    ],
)
def test_both_command_lines_choose_the_optimizer_by_one_rule(arguments, optimizer, monkeypatch, tmp_path):
    """A recipe that is named brings its own, and without one each framework has its customary one."""
    assert measured_request_from(parse(arguments)).optimizer == optimizer
    problems = []

    def load(_):
        def run(problem, *_):
            problems.append(problem)
            raise KeyboardInterrupt

        return SimpleNamespace(best_device=lambda: "cpu", check_precisions=lambda _: None, stylize=run)

    monkeypatch.setattr(stylize, "load_backend", load)
    request = measured_request_from(parse([*arguments, "--weights", "random"]))
    for name, entry in BACKENDS.items():
        pictures = [*map(str, _pictures(tmp_path)), "-o", str(tmp_path / "out.png")]
        assert stylize.main(name, [*pictures, "--weights", "random", "--size", "40", *arguments]) == 130
        chosen = entry.with_optimizer(request.recipe, request.optimizer)
        assert [it.optimizer for it in problems.pop().recipe.stages] == [it.optimizer for it in chosen.stages]


@pytest.mark.parametrize(
    ("gpu", "found", "options", "device"),
    [
        (True, {"torch": "gpu", "keras": "gpu"}, [], "gpu"),
        (True, {"torch": "gpu", "keras": "cpu"}, [], "cpu"),
        (True, {"torch": "gpu", "keras": "cpu"}, ["--backends", "torch"], "gpu"),
        (True, {"torch": "gpu", "keras": "gpu"}, ["--device", "cpu"], "cpu"),
        (False, {}, [], "cpu"),
    ],
)
def test_all_rows_of_a_comparison_have_one_device(monkeypatch, gpu, found, options, device):
    """A GPU alone where every backend finds one; without a driver none is asked."""
    monkeypatch.setattr(devices, "has_nvidia_gpu", lambda: gpu)
    monkeypatch.setattr(devices, "_best_device", lambda interpreter: found.get(interpreter[0], "gpu"))
    assert measured_request_from(parse(options)).device == device


def test_a_worker_says_which_device_its_backend_takes():
    assert devices._best_device(("torch", None)) in ("cpu", "gpu", "mps")
    assert devices._best_device(("torch", "/nowhere/python")) == "cpu"


def _pictures(folder):
    from PIL import Image as Pillow

    for name in ("content", "style"):
        Pillow.new("RGB", (40, 36), "teal").save(folder / f"{name}.png")
        yield folder / f"{name}.png"


@pytest.mark.parametrize(
    ("healthy", "code"), [((True, True), 0), ((False, True), 1), ((True, False), 1), ((False, False), 1)]
)
def test_the_doctor_ends_with_1_when_any_examination_is_not_healthy(healthy, code, monkeypatch):
    verdicts = iter(healthy)
    monkeypatch.setattr(check, "backend_tensors", lambda *_: {})
    monkeypatch.setattr(check.doctor, "diagnose", lambda *_: SimpleNamespace(healthy=next(verdicts)))
    monkeypatch.setattr(check.doctor, "print_diagnosis", lambda *_: None)
    assert main(["doctor", *list(BACKENDS)[:2], "--weights", "random"]) == code
