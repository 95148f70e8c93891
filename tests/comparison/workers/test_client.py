"""Workers: what they answer, how they die, and what an interrupt leaves."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from report_samples import VALIDATOR, rows_of
from shallow import QUICK_RUN

from common import RosettaError
from common.backend import BACKENDS
from common.cli.main import main
from common.comparison import Request, Scene, row_runner
from common.comparison.row_runner import RowRunner
from common.comparison.workers.client import Worker, WorkerDiedError

COMPARE = Path(__file__).resolve().parents[3] / "compare.py"
QUICK = [*QUICK_RUN, "--rounds", "2"]


@pytest.fixture(scope="module")
def scene():
    return Scene.of(Request(weights="random", sizes=("24",)))


@pytest.fixture(scope="module")
def small(scene):
    return scene.small_problem("float32")


def interpreter(folder, script):
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -9 $$", "ended by SIGKILL; it may have run out of memory"),
        ("echo first >&2; echo 'the reason' >&2; exit 3", "exit code 3: the reason"),
        ("""echo '{"error": "said so"}'; exit 2""", "said so"),
        ("echo welcome", "is no worker of this repository: 'welcome"),
        ("""printf '{"imported": {"cut'""", "is no worker of this repository"),
        ("""echo '{"imported": 5}'""", "is no worker of this repository"),
        ("""echo '[[1, 2]]'""", "is no worker of this repository"),
        (r"""printf '\377\376\033[31m\n'""", "is no worker of this repository"),
        (r"""printf 'the \377 reason\n' >&2; exit 3""", "exit code 3: the \N{REPLACEMENT CHARACTER} reason"),
    ],
)
def test_a_worker_that_dies_is_said_in_one_line(tmp_path, scene, small, script, words):
    with Worker("torch", interpreter(tmp_path, script)) as worker, pytest.raises(RosettaError, match=words) as caught:
        worker.ask("losses", scene.job(small, None))
    assert "\n" not in str(caught.value)


def test_an_interpreter_that_is_not_there():
    with pytest.raises(RosettaError, match="cannot start '/nowhere/python'"):
        Worker("torch", "/nowhere/python")


def test_an_error_is_an_answer_and_the_worker_lives_on(scene, small):
    with Worker("torch") as worker:
        with pytest.raises(RosettaError, match="needs an image to look at"):
            worker.ask("losses", scene.job(small, None))
        with pytest.raises(RosettaError, match="PyTorch has no mode 'xla'"):
            worker.ask("losses", scene.job(replace(small, mode="xla"), small.content))
        assert worker.ask("losses", scene.job(small, small.content)).values["losses"]["tv"] > 0
        process = psutil.Process(worker.pid)
    assert not process.is_running()


def test_a_worker_needs_no_more_than_its_framework_and_the_core(tmp_path):
    """Another environment need not have what only the reports need."""
    code = "import atexit, runpy, sys; sys.argv = ['worker', 'torch']; "
    code += "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
    code += "runpy.run_module('common.comparison.workers.server', run_name='__main__')"
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=COMPARE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.split(".")[0] for name in process.stderr.split()}
    assert not loaded & {
        "rich",
        "matplotlib",
        "jinja2",
        "pydantic",
        "pooch",
        "psutil",
        "safetensors",
        "skimage",
        "tensorflow",
    }


def kill_in_round(monkeypatch, backend, number):
    """Kill a backend's process when it is asked for its round of that number."""
    asked = dict.fromkeys(BACKENDS, 0)
    measure = RowRunner.measure

    def killing(self, *arguments):
        asked[self.row.backend] += 1
        if (self.row.backend, asked[backend]) == (backend, number):
            os.kill(self.pid, signal.SIGKILL)
        return measure(self, *arguments)

    monkeypatch.setattr(RowRunner, "measure", killing)


@pytest.mark.thorough
def test_a_row_whose_worker_is_killed_says_so_and_the_others_finish(monkeypatch, tmp_path):
    kill_in_round(monkeypatch, "keras", 3)
    assert main([*QUICK, "--report", str(tmp_path)]) == 0
    torch, keras = rows_of(json.loads((tmp_path / "report.json").read_text()))
    assert (torch["status"], len(torch["evaluation"]["rounds_s"])) == ("measured", 2)
    assert (keras["status"], keras["ranked"]) == ("died", False)
    assert "ended by SIGKILL" in keras["why"]
    assert [bool(one) for one in keras["evaluation"]["rounds_s"]] == [True, False], "what it measured is kept"


@pytest.mark.thorough
def test_a_mode_that_cannot_run_is_a_row_that_says_why(monkeypatch, tmp_path, capsys):
    arguments = [*QUICK, "--backends", "torch", "--precisions", "float32,tf32", "--report", str(tmp_path)]
    assert main(arguments) == 0
    rows = rows_of(json.loads((tmp_path / "report.json").read_text()))
    assert [row["status"] for row in rows] == ["measured", "unavailable"]
    assert "compute capability 8.0" in rows[1]["why"]
    assert "TF32 needs an NVIDIA GPU" in capsys.readouterr().out


def test_nothing_measured_is_exit_code_1(tmp_path):
    """And the saved baseline stays what it was."""
    (tmp_path / "baseline.json").write_text("precious")
    arguments = [*QUICK, "--backends", "torch", "--precisions", "tf32", "--report", str(tmp_path / "report")]
    assert main([*arguments, "--save-baseline", str(tmp_path / "baseline.json")]) == 1
    assert (tmp_path / "baseline.json").read_text() == "precious"
    (row,) = rows_of(json.loads((tmp_path / "report" / "report.json").read_text()))
    assert (row["status"], row["evaluation"]) == ("unavailable", None)


@pytest.mark.thorough
def test_another_interpreter_is_recorded(tmp_path):
    arguments = [*QUICK, "--backends", "torch", "--python", f"torch={sys.executable}", "--report", str(tmp_path)]
    assert main(arguments) == 0
    (row,) = rows_of(json.loads((tmp_path / "report.json").read_text()))
    assert row["environment"]["python"] == platform.python_version()


def interrupted(tmp_path, moment, *arguments):
    """Run compare.py, interrupt it when it says so on stderr, and return its exit code, its stderr, its workers."""
    # A shell's background jobs ignore interrupts, and ours would too if the tests are one.
    code = (
        "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", code, str(COMPARE), *QUICK, *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = ""
    while moment not in said:
        said += process.stderr.readline()
    children = wait_for_children(process.pid)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors, children


def wait_for_children(pid):
    for _ in range(300):
        if children := psutil.Process(pid).children():
            return children
        time.sleep(0.1)
    raise AssertionError("no worker was started")


@pytest.mark.parametrize(
    "moment", ["importing PyTorch", pytest.param("float32 24: transfers", marks=pytest.mark.thorough)]
)
def test_an_interrupt_ends_the_workers_and_keeps_what_was_measured(tmp_path, moment):
    endless = ["--steps", "1000000"]  # it would not end by itself
    returncode, errors, children = interrupted(tmp_path, moment, *endless)
    assert returncode == 130
    # A thread that waits for another worker may still say how far that is.
    assert [line for line in errors.splitlines() if line.startswith("compare.py: ")][-2:] == [
        "compare.py: ended early; writing what was measured to report/, marked incomplete",
        "compare.py: interrupted",
    ]
    assert "Traceback" not in errors
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    VALIDATOR.validate(report)
    assert report["complete"] is False
    measured = moment.endswith("transfers")
    assert all((row["evaluation"] is not None) == measured for row in rows_of(report))
    assert {row["status"] for row in rows_of(report)} == {"incomplete"}


def test_a_worker_whose_parent_is_gone_ends(tmp_path):
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[1]); from common.comparison.workers.client import Worker; "
        "worker = Worker('torch'); worker.imported(); print(worker.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, str(COMPARE.parent)], capture_output=True, text=True, check=False, timeout=120
    )
    pid = int(process.stdout)
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    raise AssertionError("the worker lives on")


@pytest.mark.parametrize(
    ("script", "died"), [("kill -9 $$", True), ("exit 3", True), ("""echo '{"error": "said so"}'; exit 2""", False)]
)
def test_a_worker_that_died_is_told_from_one_that_declines(tmp_path, script, died):
    with Worker("torch", interpreter(tmp_path, script)) as worker, pytest.raises(RosettaError) as caught:
        worker.imported()
    assert isinstance(caught.value, WorkerDiedError) is died


@pytest.mark.thorough
def test_a_transfer_that_would_take_too_long_is_left_out_and_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(row_runner, "_LONGEST_TRANSFER_S", 0.0)
    assert main([*QUICK, "--backends", "torch", "--report", str(tmp_path)]) == 0
    (row,) = rows_of(json.loads((tmp_path / "report.json").read_text()))
    assert (row["status"], row["ranked"], row["convergence"]) == ("measured", True, None)
    assert "no whole transfer, which would take" in row["why"]
    assert "no whole transfer" in capsys.readouterr().out
