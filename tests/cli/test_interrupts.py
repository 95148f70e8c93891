"""Ctrl-C and SIGTERM during a transfer and a comparison: what is kept, what is said, and that the run goes on."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors

from common import RECIPES, RosettaError, load_image, save_image
from common.backend import BACKENDS
from common.checkpoints import RunFolder
from common.cli import main as compare
from common.cli import stylize
from common.cli.interrupts import calling, ignored, say_that_it_stops
from common.errors import DivergedError, TerminatedError
from common.tensors import read_tensors, write_tensors
from common.terminal import ProgressBar

OPTIONS = (
    *("--weights", "random", "--size", "36", "--steps", "6", "--device", "cpu", "--precision", "float64"),
    *("--content-taps", "relu2_2", "--style-taps", "relu1_1"),
)


@pytest.fixture
def folder(tmp_path, content, style):
    save_image(tmp_path / "content.png", content)
    save_image(tmp_path / "style.png", style)
    return tmp_path


@pytest.fixture
def run(folder, monkeypatch):
    """A function that runs a program in this process, with a signal after its `at`-th evaluation."""
    monkeypatch.chdir(folder)

    def run(*options, at=None, number=signal.SIGTERM, output="out.png"):
        class Bar(ProgressBar):
            done = 0

            def advance(self, units=1, note=""):
                Bar.done += units
                if note and Bar.done == at:
                    os.kill(os.getpid(), number)

        monkeypatch.setattr("common.terminal.ProgressBar", Bar)
        return stylize.main("torch", ["content.png", "style.png", "-o", output, *OPTIONS, *options])

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in ("content.png", "style.png"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_signal_keeps_the_best_picture_and_the_run_goes_on(run, folder, capsys, number, code, optimizer):
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    assert run("--optimizer", optimizer, at=3, number=number) == code
    assert names(folder) == ["out-partial.png", "out.png-checkpoint"]
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == (
        "python -m torch_impl: stopped; the best picture so far is 'out-partial.png'; "
        "the same command with --resume goes on after evaluation 3"
    )
    assert run("--optimizer", optimizer, "--resume") == 0
    assert names(folder) == ["out-partial.png", "out.png"]
    assert run("--optimizer", optimizer, output="whole.png") == 0
    assert np.array_equal(load_image("out.png"), load_image("whole.png"))
    assert not np.array_equal(load_image("out.png"), load_image("out-partial.png"))
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_an_interrupted_run_is_neither_forgotten_nor_taken_for_another(run, folder, capsys):
    assert run(at=2) == 143
    capsys.readouterr()
    assert run() == 2
    said = "'out.png-checkpoint' holds an interrupted run: go on with --resume, or start anew with --no-resume"
    assert capsys.readouterr().err == f"python -m torch_impl: {said}\n"
    assert run("--resume", "--style-weight", "7") == 2
    assert "is of another run: recipe style_weight is" in capsys.readouterr().err
    assert run("--no-resume", "--style-weight", "7") == 0
    assert names(folder) == ["out-partial.png", "out.png"]


def test_the_same_name_with_another_ending_is_another_run(run, folder):
    assert run(at=2) == 143
    assert run("--no-resume", output="out.jpg") == 0
    assert run("--resume") == 0
    assert names(folder) == ["out-partial.png", "out.jpg", "out.png"]


@pytest.mark.parametrize("change", [{"stage": 0}, {"stage": 2}, {"left": 6}, {"left": -1}])
def test_a_state_that_the_recipe_has_not_is_one_line(run, folder, capsys, change):
    assert run(at=2) == 143
    path = folder / "out.png-checkpoint" / "state.safetensors"
    with safetensors.safe_open(path, framework="numpy") as file:
        state = {**json.loads(file.metadata()["state"]), **change}
    write_tensors(path, read_tensors(path), {"state": json.dumps(state)})
    capsys.readouterr()
    assert run("--resume") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "and the recipe's stages are of 36x34 and 6: start anew with --no-resume" in said


def test_resuming_what_is_not_there_starts_at_the_beginning_and_says_so(run, folder, capsys):
    assert run("--resume") == 0
    assert "note: there is no checkpoint 'out.png-checkpoint': starts at the beginning" in capsys.readouterr().err
    assert names(folder) == ["out.png"]


def test_what_is_said_of_the_recipe_changes_no_picture(run, monkeypatch):
    assert run(at=2) == 143
    told = replace(RECIPES["d2l"], source="a page", url="https://example.org", deviations=("none",))
    monkeypatch.setitem(RECIPES, "d2l", told)
    assert run("--resume") == 0


def test_a_run_whose_checkpoint_cannot_be_saved_goes_on_from_the_last_one(run, folder, capsys, monkeypatch):
    save = RunFolder.save

    def full(self, state, checksums):
        if len(state.steps) > 2:
            raise OSError(28, "No space left on device", "somewhere")
        save(self, state, checksums)

    monkeypatch.setattr(RunFolder, "save", full)
    assert run("--checkpoint-every", "1", at=4) == 143
    said = capsys.readouterr().err
    assert "warning: the checkpoint 'out.png-checkpoint' cannot be saved (No space left on device): the run" in said
    assert said.splitlines()[-1].endswith("the same command with --resume goes on after evaluation 2")
    monkeypatch.setattr(RunFolder, "save", save)
    assert run("--resume") == 0


def test_a_run_that_saved_nothing_says_so(run, capsys, monkeypatch):
    monkeypatch.setattr(RunFolder, "log", lambda *_: Path("content.png/x").touch())
    assert run(at=2) == 143
    assert capsys.readouterr().err.splitlines()[-1].endswith("; no checkpoint was saved")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("mine"), "out.png-checkpoint' is no folder"),
        (lambda path: (path / "losses.jsonl").mkdir(parents=True), "it is a folder"),
        (lambda path: (path / "state.safetensors").mkdir(parents=True), "it is a folder"),
        (lambda path: (path / "gradients-1.bin").mkdir(parents=True), "Is a directory"),
    ],
    ids=["a file", "the losses", "the state", "the gradients"],
)
def test_what_is_no_checkpoint_is_refused_before_the_run(run, folder, refused, monkeypatch, make, words):
    make(folder / "out.png-checkpoint")
    monkeypatch.setattr(stylize, "load_backend", None)
    refused(run, words, r"python -m torch_impl")
    assert names(folder) == ["out.png-checkpoint"]


def test_a_checkpoint_that_cannot_be_removed_is_a_warning(run, folder, capsys, monkeypatch):
    unlink = Path.unlink

    def protected(path, missing_ok=False):
        if path.name == "losses.jsonl" and path.exists():
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", protected)
    assert run() == 0
    assert "cannot remove the checkpoint 'out.png-checkpoint' (Permission denied)" in capsys.readouterr().err
    assert "out.png" in names(folder)


def test_no_signal_ends_the_saving_of_the_finished_picture(run, folder, monkeypatch):
    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        save_image(*arguments)

    monkeypatch.setattr(stylize, "save_or_keep", interrupted)
    assert run() == 0
    assert names(folder) == ["out.png"]


def test_a_picture_that_is_saved_ends_the_run_whatever_comes_after(run, folder, capsys, monkeypatch):
    def fails(*_):
        raise RosettaError("no curves")

    monkeypatch.setattr(stylize, "_save_loss_curves", fails)
    assert run("--plot") == 2
    assert names(folder) == ["out.png"]


def test_a_run_that_diverges_leaves_no_checkpoint(run, folder, monkeypatch):
    """So that the same command with what is advised starts."""

    def diverges(problem, losses, evaluation, gradient=None):
        if evaluation == 3:
            raise DivergedError("the loss is nan")

    monkeypatch.setattr("common.recorder.check_finite", diverges)
    assert run("--checkpoint-every", "1") == 2
    assert names(folder) == ["out-partial.png"]


def test_a_run_that_diverges_keeps_the_best_picture(run, folder, capsys):
    assert run("--style-weight", "1e308", "--optimizer", "lbfgs", "--precision", "float64") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"python -m torch_impl: .* is (nan|inf) at evaluation \d+: lower the weights", line)
    assert line.endswith("the best picture so far is 'out-partial.png'")
    assert "out.png" not in names(folder)


def test_a_bad_number_of_evaluations_is_one_line(run, capsys):
    with pytest.raises(SystemExit):
        run("--checkpoint-every", "-1")
    assert "'-1' is not a number of evaluations from 0 up" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_compare_py_unwinds_for_both_signals(monkeypatch, capsys, number, code):
    def interrupted(_):
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr(compare, "pkgutil", SimpleNamespace(resolve_name=lambda _: interrupted))
    assert compare.main(["recipes"]) == code
    assert capsys.readouterr().err.count("\n") == 1


def test_the_second_signal_ends_at_once():
    def never(_):
        pass

    with calling(never):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)  # until Python has called the handler
        assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGINT) == signal.SIG_DFL


def test_no_signal_ends_what_ignores_them():
    with ignored():
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
    assert signal.getsignal(signal.SIGTERM) != signal.SIG_IGN


def test_a_stderr_that_takes_nothing_more_ends_no_signal_handler(monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: False, write=full))
    say_that_it_stops(signal.SIGTERM)


@pytest.mark.parametrize(("terminal", "before"), [(False, ""), (True, "\x1b[?25h\n")])
def test_the_line_of_the_progress_bar_is_ended_in_a_terminal_alone(capsys, monkeypatch, terminal, before):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    say_that_it_stops(signal.SIGTERM)
    said = "SIGTERM: stops after this evaluation; a second one ends at once\n"
    assert capsys.readouterr().err == before + said


def test_termination_is_an_interrupt():
    """So that what cleans up after Ctrl-C does so after SIGTERM."""
    assert issubclass(TerminatedError, KeyboardInterrupt)


@pytest.mark.parametrize("backend", ["torch", pytest.param("keras", marks=pytest.mark.thorough)])
def test_a_process_that_is_told_to_end_does_so_in_good_order(folder, backend):
    """SIGTERM in the middle of a real run of L-BFGS, kill -9 in the next, and then the end."""
    command = [sys.executable, "-m", BACKENDS[backend].package, "content.png", "style.png", *OPTIONS]
    command += ["--steps", "80", "--optimizer", "lbfgs", "--checkpoint-every", "1", "-o"]
    losses = folder / "out.png-checkpoint" / "losses.jsonl"

    def killed(number, after, *options):
        with subprocess.Popen([*command, "out.png", *options], cwd=folder, stderr=subprocess.PIPE) as process:
            while process.poll() is None and not (losses.exists() and losses.read_bytes().count(b"\n") >= after):
                time.sleep(0.005)
            process.send_signal(number)
            process.communicate()
        return process.returncode

    assert killed(signal.SIGTERM, 2) == 143
    assert killed(signal.SIGKILL, 30, "--resume") == -9
    for options in (("out.png", "--resume"), ("whole.png",)):
        subprocess.run([*command, *options], cwd=folder, check=True, capture_output=True, timeout=120)
    assert np.array_equal(load_image(folder / "out.png"), load_image(folder / "whole.png"))
    assert names(folder) == ["out-partial.png", "out.png", "whole.png"]
