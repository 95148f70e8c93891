"""When a state is saved, which picture is the best, and what a full disk does."""

import json
from itertools import accumulate
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors

from common import LossTerms, Step
from common.checkpoints import Checkpoints, Evaluated, RunFolder, Told, checkpoints, told_file
from common.errors import StoppedError
from common.points import Point

PROBLEM = SimpleNamespace(image=lambda pixels: ("picture", pixels.flat[0]))


def at(value):
    return np.full((1, 1, 3), value, np.float32)


class Run:
    """A run whose losses the test names; the point of its evaluation number n is n, and Adam moves on to n + 1."""

    def __init__(self, kept, kind="adam"):
        self.kept, self.kind, self.steps = kept, kind, []
        kept.starts(1, PROBLEM, kept.state.point if kept.state else Point(at(1)))

    def evaluate(self, *losses, dtype=np.float32):
        for loss in losses:
            number = len(self.steps) + 1
            self.steps.append(Step(number, 1, number, 1.0, 1.0, LossTerms({}, {}, loss)))
            told = Told(0, loss, at(0)) if self.kind == "lbfgs" else None
            pixels = at(number + (self.kind == "adam"))
            self.kept.evaluated(Evaluated(self.steps, 9, pixels.astype(dtype), lambda: None, told))


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run", {})


def saved_after(folder):
    """The evaluations of the saved state, without what reading a state for good does to the files."""
    if not folder.exists():
        return 0
    with safetensors.safe_open(folder.path / "state.safetensors", framework="numpy") as file:
        return json.loads(file.metadata()["state"])["evaluations"]


def test_a_state_is_saved_every_few_evaluations(folder):
    run = Run(Checkpoints(folder, every=3))
    saved = []
    for loss in range(7):
        run.evaluate(loss)
        saved.append(saved_after(folder))
    assert saved == [0, 0, 3, 3, 3, 6, 6]


def test_a_state_is_saved_about_once_a_minute(folder, monkeypatch):
    now_s = accumulate([100.0, *[25.0] * 5, *[0.0] * 10])
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: next(now_s)))
    run = Run(Checkpoints(folder))
    run.evaluate(5.0, 4.0)
    assert saved_after(folder) == 0
    run.evaluate(3.0)
    assert saved_after(folder) == 3


@pytest.mark.parametrize("every", [None, 0, 5])
def test_a_run_that_is_stopped_is_saved_and_ends(folder, every):
    kept = Checkpoints(folder, every=every)
    run = Run(kept)
    run.evaluate(5.0, 4.0)
    kept.stop(15)
    with pytest.raises(StoppedError) as error:
        run.evaluate(3.0)
    assert error.value.signal == 15
    assert saved_after(folder) == 3
    assert kept.saved_evaluations == 3


@pytest.mark.parametrize("kind", ["adam", "lbfgs"])
def test_the_best_picture_is_that_of_the_lowest_loss(folder, kind):
    kept = Checkpoints(folder)
    run = Run(kept, kind)
    assert kept.best() == ("picture", 1)
    run.evaluate(5.0, 3.0, 4.0)
    assert kept.best() == ("picture", 2)
    kept.starts(2, PROBLEM, Point(at(7)))
    assert kept.best() == ("picture", 7), "another stage has another size"


def test_the_best_picture_of_before_an_interruption_is_kept(folder):
    kept = Checkpoints(folder, every=1)
    run = Run(kept, "lbfgs")
    run.evaluate(5.0, 3.0, 4.0)
    again = Checkpoints(folder, folder.read())
    resumed = Run(again, "lbfgs")
    assert again.best() == ("picture", 2)
    resumed.evaluate(3.5, 3.25)
    assert again.best() == ("picture", 2)
    resumed.evaluate(2.5)
    assert again.best() == ("picture", 3)


def test_what_is_too_much_to_keep_is_left_out_also_after_it_was_resumed(folder, monkeypatch):
    for count in (3, 5):
        state = folder.read()
        monkeypatch.setattr(told_file, "_MOST_BYTES", 0 if state is None else 10**6)
        run = Run(Checkpoints(folder, state, every=1), "lbfgs")
        run.steps = list(state.steps) if state else []
        run.evaluate(*range(count, 0, -1), dtype=np.float64)
        state = folder.read()
        assert [each.loss for each in state.told] == ([] if count == 3 else [5, 4, 3, 2, 1])
        assert state.point.pixels.dtype == np.float32
    assert state.point.pixels.flat[0] == 3, "the lowest point of the run that kept nothing"


def test_losses_are_on_the_disk_from_the_first_evaluation(folder):
    Run(Checkpoints(folder)).evaluate(5.0)
    assert (folder.path / "losses.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize("fails", ["log", "save"])
def test_a_full_disk_is_said_once_and_the_run_goes_on(folder, capsys, monkeypatch, fails):
    def full(*_):
        raise OSError(28, "No space left on device")

    kept = Checkpoints(folder, every=1)
    run = Run(kept)
    run.evaluate(9.0)
    monkeypatch.setattr(folder, fails, full)
    run.evaluate(8.0, 7.0)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "No space left on device" in said
    assert kept.saved_evaluations == saved_after(folder) == 1, "the state before is whole"
    kept.stop(2)
    with pytest.raises(StoppedError):
        run.evaluate(6.0)
