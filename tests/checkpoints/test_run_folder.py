"""The files of a run: what they hold, whose they are, and what is done with damaged ones."""

import json
import os
import re

import numpy as np
import pytest
import safetensors.numpy

from common import LossTerms, RosettaError, Step
from common.checkpoints import RunFolder, State, Told
from common.checkpoints.told_file import ToldFile
from common.points import Moments, Point
from common.writing import replacing

IDENTITY = {"seed": 0, "recipe": {"name": "d2l", "stages": [{"steps": 5}]}, "pictures": {"content": "ab"}}


def step_of(number, stage=1):
    return Step(number, stage, 1.5 * number, 1.25, 1.0, LossTerms({"relu4_2": 0.1}, {"relu1_1": 1 / 3}, 0.0))


def random(seed, dtype=np.float32):
    return np.random.default_rng(seed).random((4, 5, 3)).astype(dtype)


def state_of(stage, dtype=np.float32):
    """A state of L-BFGS after two evaluations."""
    return State(stage, 3, Point(random(0, dtype)), (step_of(1), step_of(2)), random(3, dtype), 0.25)


@pytest.fixture
def kept(tmp_path):
    """A folder with the state of Adam after two steps."""
    folder = RunFolder(tmp_path / "run", IDENTITY)
    steps = (step_of(1), step_of(2))
    for step in steps:
        folder.log(step)
    folder.save(State(1, 3, Point(random(0), Moments(random(1), random(2), 2)), steps, random(3), 0.25), [])
    return folder


def change_state(folder, values=None, arrays=None):
    state = folder.path / "state.safetensors"
    with safetensors.safe_open(state, framework="numpy") as file:
        before = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        saved = {**json.loads(file.metadata()["state"]), **(values or {})}
    safetensors.numpy.save_file({**before, **(arrays or {})}, state, {"state": json.dumps(saved)})


def assert_same(array, other):
    assert array.dtype == other.dtype
    assert np.array_equal(array, other)


def test_a_state_is_read_as_it_was_saved(kept):
    state = kept.read()
    assert (state.stage, state.left, state.told) == (1, 3, ())
    assert state.steps == (step_of(1), step_of(2))
    assert_same(state.point.pixels, random(0))
    assert_same(state.point.moments.mean, random(1))
    assert_same(state.point.moments.square, random(2))
    assert state.point.moments.steps == 2
    assert_same(state.best, random(3))
    assert state.best_loss == 0.25


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_l_bfgs_was_told_is_read_as_it_was_told(tmp_path, dtype):
    folder = RunFolder(tmp_path / "run", IDENTITY)
    told = ToldFile(folder.told_path(1))
    for number in (1, 2):
        folder.log(step_of(number))
        told.add(Told(number, step_of(number).losses.total, random(number, dtype)))
    told.write()
    folder.save(state_of(1, dtype), told.checksums)
    state = folder.read()
    assert [(each.checksum, each.loss) for each in state.told] == [(it, step_of(it).losses.total) for it in (1, 2)]
    for number, each in enumerate(state.told, start=1):
        assert_same(np.asarray(each.gradient), random(number, dtype))


def test_what_was_written_after_the_state_is_cut_off(kept):
    kept.log(step_of(3))
    with (kept.path / "losses.jsonl").open("a") as file:
        file.write('{"evaluation": 4, "sta')
    assert kept.read().steps == (step_of(1), step_of(2))
    kept.log(step_of(3))
    lines = (kept.path / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["evaluation"] for line in lines] == [1, 2, 3]


@pytest.mark.parametrize("stage", [1, 2])
def test_gradients_that_a_killed_run_wrote_after_its_last_state_are_removed(kept, stage):
    """That state is Adam's, or of an earlier stage: the next gradients would come behind those in the file."""
    told = ToldFile(kept.told_path(stage))
    told.add(Told(1, 1.0, random(1)))
    told.write()
    kept.read()
    assert not kept.told_path(stage).exists()


def test_gradients_of_an_earlier_stage_go_when_the_next_state_is_saved(kept):
    kept.told_path(1).write_bytes(b"1")
    kept.told_path(2).write_bytes(b"2")
    kept.save(state_of(2), [7])
    assert [kept.told_path(stage).exists() for stage in (1, 2)] == [False, True]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"recipe": {"name": "d2l", "stages": [{"steps": 6}]}}, "recipe stages 1 steps is 5 there and 6 here"),
        ({"pictures": {"content": "cd"}}, "pictures content is 'ab' there and 'cd' here"),
        ({"pictures": {}}, "pictures content is 'ab' there and None here"),
        ({"weights": "ef"}, "weights is None there and 'ef' here"),
    ],
)
def test_a_state_of_another_run_is_refused_and_left(kept, change, said):
    with pytest.raises(RosettaError, match=said):
        RunFolder(kept.path, {**IDENTITY, **change}).read()
    assert kept.read() is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema is 2, not 1"),
        ({"identity": []}, "identity is [], not an object"),
        ({"stage": "1"}, "stage is '1', not a whole number"),
        ({"left": None}, "left is None, not a whole number"),
        ({"evaluations": 1e3}, "evaluations is 1000.0, not a whole number"),
        ({"moments_steps": []}, "moments_steps is [], not a whole number or null"),
        ({"told": 5}, "told is 5, not a list"),
        ({"moments_steps": -1}, "Adam has taken -1 steps"),
        ({"evaluations": -1}, "losses.jsonl has 2 losses of -1"),
    ],
)
def test_a_state_of_other_types_is_refused_by_the_place(kept, change, words):
    change_state(kept, values=change)
    with pytest.raises(RosettaError, match=re.escape(f"({words}): start anew with --no-resume")):
        kept.read()


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("mean", np.zeros((4, 6, 3), np.float32), "mean has the shape (4, 6, 3)"),
        ("best", np.zeros((4, 5, 3), np.int64), "best has the shape (4, 5, 3) and the type int64"),
        ("square", np.full((4, 5, 3), np.inf, np.float32), "square has values that are not finite"),
    ],
)
def test_arrays_that_are_no_variable_are_damage(kept, name, array, words):
    change_state(kept, arrays={name: array})
    with pytest.raises(RosettaError, match=re.escape(words)):
        kept.read()


@pytest.mark.parametrize("name", ["state.safetensors", "losses.jsonl", "gradients-1.bin"])
def test_a_pipe_in_a_checkpoint_is_not_waited_for(kept, name):
    kept.save(state_of(1), [7])
    (kept.path / name).unlink(missing_ok=True)
    os.mkfifo(kept.path / name)
    with pytest.raises(RosettaError, match=f"{name}' is a pipe"):
        kept.read()


def test_a_damaged_state_is_one_line(kept):
    state = kept.path / "state.safetensors"
    whole = state.read_bytes()
    for damaged in (b"", whole[:5], whole[:100], whole[:-1], b"\xff" * len(whole), whole.replace(b"left", b"lost")):
        state.write_bytes(damaged)
        with pytest.raises(RosettaError, match=r"cannot read the checkpoint .*: start anew with --no-resume") as error:
            kept.read()
        assert "\n" not in str(error.value)


def test_missing_losses_and_gradients_are_damage(kept):
    kept.save(state_of(1), [7])
    kept.told_path(1).write_bytes(b"\0" * 10)
    with pytest.raises(RosettaError, match=r"gradients-1.bin is too short"):
        kept.read()
    odd = '{"evaluation": null}\n' * 3
    (kept.path / "losses.jsonl").write_text(odd)
    with pytest.raises(RosettaError, match="it has no stage"):
        kept.read()
    assert (kept.path / "losses.jsonl").read_text() == odd, "what is refused is left"
    (kept.path / "losses.jsonl").write_text("")
    with pytest.raises(RosettaError, match="has 0 losses of 2"):
        kept.read()


def test_more_gradients_than_losses_are_damage(kept):
    kept.told_path(1).write_bytes(b"\0" * 10_000)
    kept.save(state_of(1), [7, 8, 9])
    with pytest.raises(RosettaError, match="there are 2 losses of 3 gradients"):
        kept.read()


def test_what_a_killed_run_left_of_its_state_goes_with_the_folder(kept):
    with replacing(kept.path / "state.safetensors") as temporary:
        pass
    temporary.touch()
    kept.remove()
    assert not kept.path.exists()


def test_a_folder_is_removed_with_the_runs_files_alone(kept):
    (kept.path / "mine.txt").write_text("mine")
    kept.remove()
    assert [file.name for file in kept.path.iterdir()] == ["mine.txt"]
    (kept.path / "mine.txt").unlink()
    kept.remove()
    assert not kept.path.exists()
    kept.remove()
    assert kept.read() is None
