"""`compare.py` as people run it: exit codes, files, and what happens when a worker or the user ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image as Pillow

from common import RECIPES, Problem, RosettaError, load_image, load_weights, oracle
from common.bounds import Bounds
from common.comparison import agreement, gallery_command, processes
from common.comparison.commands import main
from common.comparison.plan import plan_from
from common.images import to_bytes

COMPARE = Path(__file__).resolve().parents[1] / "compare.py"
QUICK = ["--weights", "random", "--size", "24", "--steps", "3"]


def run(*arguments, cwd):
    command = [sys.executable, str(COMPARE), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Paths of a content picture, a style picture and an image between them, 20x24 pixels."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = [folder / f"{name}.png" for name in ("content", "style", "image")]
    for path in paths:
        Pillow.fromarray(to_bytes(rng.random((20, 24, 3)))).save(path)
    return paths


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run with the sample pictures, in a folder of its own."""
    folder = tmp_path_factory.mktemp("run")
    return run(*QUICK, cwd=folder), folder / "report"


def test_all_agree_and_the_tables_are_there(finished):
    process, _ = finished
    assert process.returncode == 0, process.stderr[-2000:]
    for words in ("float64, 37x50 px", "float32, 16x24 px", "gradient, same choices", "steady evaluation", "all agree"):
        assert words in process.stdout
    assert "DIFFERS" not in process.stdout
    assert max(map(len, process.stdout.splitlines())) <= 100
    assert "Traceback" not in process.stderr
    assert "importing PyTorch" in process.stderr, "progress from the first second"


def test_the_report_is_whole(finished):
    _, folder = finished
    report = json.loads((folder / "report.json").read_text())
    assert report["agrees"] is True
    assert [it["precision"] for it in report["agreement"]] == ["float64", "float32"]
    assert report["weights"]["sha256"] == load_weights("random").sha256
    for name, optimizer in (("torch", "adam"), ("keras", "lbfgs")):
        backend = report["backends"][name]
        assert backend["recipe"]["stages"][0]["optimizer"]["kind"] == optimizer, "the customary pairing"
        assert len(backend["run"]["steps"]) == 3
        assert backend["timing"]["steady_count"] == 2
        assert backend["timing"]["peak_memory_bytes"] > 100e6
        assert all(backend["timing"][f"{phase}_s"] > 0 for phase in ("import", "setup", "first_evaluation"))
        assert all(backend["versions"].values())
    assert report["machine"]["cores"] >= 1


def test_the_pictures_are_there(finished):
    _, folder = finished
    assert load_image(folder / "torch.png").shape == load_image(folder / "keras.png").shape == (16, 24, 3)
    for name in ("pictures.png", "losses.png"):
        assert load_image(folder / name).std() > 0.01
    assert not [path for path in folder.iterdir() if path.name.startswith(".")], "no temporary file is left"


def test_a_difference_is_exit_code_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(agreement, "bounds_for", lambda _: Bounds(1e-30, 1e-30, 1e-30, 1e-30, 1e-30))
    assert main([*QUICK, "--optimizer", "adam", "--report", str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert "DIFFERS" in output
    assert "all agree" not in output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["agrees"] is False
    kinds = {backend["recipe"]["stages"][0]["optimizer"]["kind"] for backend in report["backends"].values()}
    assert kinds == {"adam"}, "--optimizer matches them"


def test_losses_as_json_are_the_oracles(pictures):
    process = run("losses", *pictures, "--recipe", "gatys", "--weights", "random", "--json", cwd=pictures[0].parent)
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout)
    content, style, image = (load_image(path) for path in pictures)
    problem = Problem(content, style, RECIPES["gatys"], load_weights("random"), "float64")
    assert found["losses"]["oracle"] == oracle.losses(image, problem).by_name()
    assert found["size_px"] == [20, 24]
    for name in ("torch", "keras"):
        assert found["losses"][name] == pytest.approx(found["losses"]["oracle"], rel=1e-12)


def test_losses_of_the_content_itself_agree(pictures, capsys):
    """Its content loss is the rounding of the pixels alone, which no two implementations share."""
    content, style, _ = map(str, pictures)
    for precision in ("float64", "float32"):
        arguments = ["losses", content, style, content, "--recipe", "gatys", "--weights", "random"]
        assert main([*arguments, "--precision", precision]) == 0
    assert "DIFFERS" not in capsys.readouterr().out


def test_losses_of_a_picture_of_another_size(pictures, tmp_path, capsys):
    small = tmp_path / "small.png"
    Pillow.open(pictures[2]).resize((20, 18)).save(small)
    arguments = ["losses", *map(str, pictures[:2]), str(small), "--recipe", "d2l", "--weights", "random"]
    assert main(arguments) == 2
    assert "ask for a size" in capsys.readouterr().err
    assert main([*arguments, "--size", "19"]) == 0
    assert "style relu1_1" in capsys.readouterr().out


def test_recipes(capsys):
    assert main(["recipes"]) == 0
    output = capsys.readouterr().out
    assert all(f"{name}: " in output for name in RECIPES)
    assert "103.939" in output, "the deviations are printed"


def test_gallery(monkeypatch, tmp_path):
    monkeypatch.setattr(gallery_command, "RECIPES", {"pytorch-blog": RECIPES["pytorch-blog"]})
    assert main(["gallery", *QUICK, "--report", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "gallery.png",
        "pytorch-blog-torch.png",
        "pytorch-blog-keras.png",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.png", "nowhere.png"], "there is no picture 'nowhere.png'"),
        (["alone.png"], "a content and a style picture, or neither"),
        (["--recipe", "picasso"], "no recipe 'picasso'"),
        (["--steps", "0"], "0 steps are too few"),
        (["--weights", "nowhere.h5"], "no weights 'nowhere.h5'"),
        (["--size", "8"], "need at least 16"),
        (["--report", "/proc/report"], "cannot make the folder"),
        (["losses", "a.png", "b.png", "c.png"], "there is no picture"),
        (["losses", "a.png"], "required: style, image"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as error:
        code = error.code
    captured = capsys.readouterr()
    assert code == 2
    assert words in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -9 $$", "ended by SIGKILL; it may have run out of memory"),
        ("echo first >&2; echo 'the reason' >&2; exit 3", "exit code 3: the reason"),
        ("""echo '{"error": "said so"}'; exit 2""", "said so"),
    ],
)
def test_a_worker_that_dies_is_said_in_one_line(monkeypatch, tmp_path, script, words):
    interpreter = tmp_path / "python"
    interpreter.write_text(f"#!/bin/sh\n{script}\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(interpreter))
    plan = plan_from(_options())
    job = plan.job("torch", "losses", plan.small_problem(), None)
    with pytest.raises(RosettaError, match=words) as caught:
        processes.run_jobs([job], lambda *_: None)
    assert "\n" not in str(caught.value)


def _options():
    from common.comparison.commands import _compare_parser

    return _compare_parser().parse_args(QUICK)


def test_an_interrupt_ends_the_worker_and_writes_nothing(tmp_path):
    # A shell's background jobs ignore interrupts, and ours would too if the tests are one.
    code = (
        "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    endless = [*QUICK[:-1], "1000000"]  # it would not end by itself
    command = [sys.executable, "-c", code, str(COMPARE), *endless, "--report", "report"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    errors = ""
    while "importing PyTorch" not in errors:
        errors += process.stderr.read(1)
    children = wait_for_children(process.pid)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "compare.py: interrupted"
    assert "Traceback" not in errors
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
    assert list((tmp_path / "report").iterdir()) == []


def wait_for_children(pid):
    for _ in range(300):
        if children := psutil.Process(pid).children():
            return children
        time.sleep(0.1)
    raise AssertionError("no worker was started")
