"""A run that was stopped and goes on ends as the one that never was, bit for bit."""

from dataclasses import replace
from signal import SIGTERM

import numpy as np
import pytest
from shallow import shallow

from common import LBFGS, Adam, Exactly, Problem, RosettaError, Stage, Until
from common.checkpoints import Checkpoints, RunFolder
from common.errors import StoppedError

ADAM = Adam(0.1, decay=0.5, decay_every=3)
ONE_STAGE = (Stage(Exactly(19, 23), 7, ADAM),)
RUNS = {
    "adam": ONE_STAGE,
    "lbfgs": (replace(ONE_STAGE[0], optimizer=LBFGS(3)),),
    "lbfgs that restarts": (replace(ONE_STAGE[0], optimizer=LBFGS(3, maxfun=2)),),
    "two sizes": (replace(ONE_STAGE[0], steps=3), Stage(Exactly(31, 37), 4, ADAM, continues=True)),
    "lbfgs after adam": (replace(ONE_STAGE[0], steps=3), Stage(Exactly(31, 37), 4, LBFGS())),
    "until": (replace(ONE_STAGE[0], until=Until(change=0.999)),),
}


@pytest.fixture(params=RUNS)
def problem(request, content, style, weights):
    recipe = shallow("d2l", stages=RUNS[request.param])
    return Problem(content, style, recipe, weights, precision="float64")


def run(backend, problem, folder, stop_at=None, every=0, identity=()):
    """A run from where the folder says, that is stopped after an evaluation if one is named."""
    kept = RunFolder(folder, dict(identity))
    checkpoints = Checkpoints(kept, kept.read(), every)

    def on_step(step, _):
        if step.evaluation == stop_at:
            checkpoints.stop(SIGTERM)

    result = backend.stylize(problem, on_step=on_step, checkpoints=checkpoints)
    checkpoints.remove()
    return result


def losses(result):
    return [(step.evaluation, step.stage, step.losses) for step in result.steps]


def test_a_stopped_run_goes_on_to_the_same_picture(backend, problem, tmp_path):
    """Stopped after each of its evaluations, one after the other."""
    whole = backend.stylize(problem)
    folder = tmp_path / "run"
    for evaluation in range(1, len(whole.steps) + 1):
        with pytest.raises(StoppedError):
            run(backend, problem, folder, evaluation)
    resumed = run(backend, problem, folder)
    assert np.array_equal(resumed.image, whole.image)
    assert losses(resumed) == losses(whole)
    assert resumed.losses == whole.losses
    assert not folder.exists()


class KilledError(Exception):
    """Ends a run as kill -9 would: nothing is saved."""


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_killed_run_goes_on_from_its_last_state(backend, problem, tmp_path, every):
    """What was written since that state is taken back."""
    whole = backend.stylize(problem)
    killed_at = len(whole.steps) - 1
    kept = RunFolder(tmp_path / "run", {})

    def on_step(step, _):
        if step.evaluation == killed_at:
            raise KilledError

    with pytest.raises(KilledError):
        backend.stylize(problem, on_step=on_step, checkpoints=Checkpoints(kept, None, every))
    state = kept.read()
    assert len(state.steps) == (killed_at - 1) // every * every
    resumed = run(backend, problem, kept.path)
    assert np.array_equal(resumed.image, whole.image)
    assert losses(resumed) == losses(whole)


def test_a_run_that_was_killed_between_its_gradients_and_its_state_goes_on(
    backend, content, style, weights, tmp_path, monkeypatch
):
    """The gradients are of L-BFGS's stage, and the state is of Adam's before."""
    recipe = shallow("d2l", stages=RUNS["lbfgs after adam"])
    problem = Problem(content, style, recipe, weights, precision="float64")
    whole, save = backend.stylize(problem), RunFolder.save

    def killed(self, state, checksums):
        if checksums:
            raise KilledError
        save(self, state, checksums)

    monkeypatch.setattr(RunFolder, "save", killed)
    with pytest.raises(KilledError):
        run(backend, problem, tmp_path / "run", every=1)
    monkeypatch.setattr(RunFolder, "save", save)
    with pytest.raises(StoppedError):
        run(backend, problem, tmp_path / "run", 6)
    assert np.array_equal(run(backend, problem, tmp_path / "run").image, whole.image)


def test_elapsed_seconds_go_on(backend, problem, tmp_path):
    with pytest.raises(StoppedError):
        run(backend, problem, tmp_path / "run", 2)
    kept = RunFolder(tmp_path / "run", {})
    state = kept.read()
    first, second = state.steps
    later = replace(state, steps=(first, replace(second, elapsed_s=1000.0)))
    third = backend.stylize(problem, checkpoints=Checkpoints(kept, later)).steps[2]
    assert 1000 < third.elapsed_s < 1100


def test_l_bfgs_that_takes_other_steps_is_told(backend, content, style, weights, tmp_path):
    """As another SciPy might: here the start was changed behind its back."""
    problem = Problem(content, style, shallow("d2l", stages=RUNS["lbfgs"]), weights)
    with pytest.raises(StoppedError):
        run(backend, problem, tmp_path / "run", 3)
    kept = RunFolder(tmp_path / "run", {})
    state = kept.read()
    elsewhere = replace(state, point=replace(state.point, pixels=state.point.pixels + np.float32(1e-3)))
    with pytest.raises(RosettaError, match="does not take the steps of the checkpoint again"):
        backend.stylize(problem, checkpoints=Checkpoints(kept, elsewhere))


def test_l_bfgs_whose_memory_was_too_large_goes_on_from_its_lowest_point(
    backend, content, style, weights, tmp_path, monkeypatch
):
    monkeypatch.setattr("common.checkpoints.told_file._MOST_BYTES", 3 * 19 * 23 * 3 * 4)
    problem = Problem(content, style, shallow("d2l", stages=RUNS["lbfgs"]), weights)
    whole = backend.stylize(problem)
    with pytest.raises(StoppedError):
        run(backend, problem, tmp_path / "run", 5)
    resumed = run(backend, problem, tmp_path / "run")
    assert len(resumed.steps) == len(whole.steps)
    lowest = min(step.losses.total for step in whole.steps[:5])
    assert resumed.steps[5].losses.total == pytest.approx(lowest, rel=1e-6)
    assert resumed.losses.total < lowest


def test_l_bfgs_that_was_stopped_at_its_end_and_kept_nothing_ends(
    backend, content, style, weights, tmp_path, monkeypatch
):
    monkeypatch.setattr("common.checkpoints.told_file._MOST_BYTES", 0)
    problem = Problem(content, style, shallow("d2l", stages=RUNS["lbfgs"]), weights)
    with pytest.raises(StoppedError):
        run(backend, problem, tmp_path / "run", 7)
    resumed = run(backend, problem, tmp_path / "run")
    assert resumed.losses.total == pytest.approx(min(step.losses.total for step in resumed.steps), rel=1e-5)
