"""The record of a run, by a clock that the test turns: what is set-up, what a step took, and which picture is its."""

from types import SimpleNamespace

import numpy as np
import pytest

from common import LossTerms, RosettaError, Step, Until, recorder
from common.recorder import Recorder

TERMS = LossTerms({"relu2_2": 1.0}, {"relu1_1": 2.0}, 3.0)


class Clock:
    """Stands in for the module `time`; passes only where the test says so."""

    def __init__(self):
        self.now_s = 1000.0

    def perf_counter_ns(self):
        return round(self.now_s * 1e9)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(recorder, "time", clock)
    return clock


class Problem:
    """A problem whose picture is its variable, and who asked for it."""

    weights, precision, networks = SimpleNamespace(is_published=True), "float32", range(1)
    recipe = SimpleNamespace(stages=())

    def __init__(self, name):
        self.name = name

    def image(self, pixels):
        return (self.name, pixels)


def step_of(record, clock, before_s=0.0, evaluation_s=0.0, after_s=0.0, pixels=None):
    """One step: time before the evaluation, in it, and after it, where an optimizer moves the variable."""
    clock.now_s += before_s
    with record.evaluating():
        clock.now_s += evaluation_s
    clock.now_s += after_s
    record.record(TERMS, lambda: pixels)


def test_the_parts_of_a_run_are_told_apart(clock):
    """Seconds that are all different, so that no part can stand for another."""
    record = Recorder(Problem("whole"), None)
    clock.now_s += 100  # the pictures are resized
    with record.setting_up(Problem("first")):
        clock.now_s += 10
    step_of(record, clock, before_s=1, evaluation_s=2, after_s=4)
    step_of(record, clock, before_s=8, evaluation_s=16, after_s=32)
    clock.now_s += 200
    with record.setting_up(Problem("second")):
        clock.now_s += 20
    step_of(record, clock, before_s=64, evaluation_s=128, after_s=256)
    result = record.result(TERMS, np.zeros(3))
    assert result.setup_s == 10 + 20
    assert [step.stage for step in result.steps] == [1, 1, 2]
    assert [step.evaluation for step in result.steps] == [1, 2, 3]
    assert [step.evaluation_s for step in result.steps] == [2, 16, 128]
    assert [step.duration_s for step in result.steps] == [7, 56, 448]
    assert [step.elapsed_s for step in result.steps] == [117, 173, 841]


def test_what_a_callback_does_is_in_no_steps_duration(clock):
    def slow(step, picture):
        clock.now_s += 1000

    record = Recorder(Problem("whole"), slow)
    with record.setting_up(Problem("only")):
        clock.now_s += 10
    for _ in range(3):
        step_of(record, clock, evaluation_s=2, after_s=1)
    steps = record.result(TERMS, None).steps
    assert [step.duration_s for step in steps] == [3, 3, 3]
    assert [step.elapsed_s for step in steps] == [13, 1016, 2019]


def test_a_callback_is_given_the_picture_of_its_own_step_in_its_own_stage(clock):
    seen = []
    record = Recorder(Problem("whole"), lambda step, picture: seen.append((step.evaluation, picture())))
    for stage in ("first", "second"):
        with record.setting_up(Problem(stage)):
            pass
        for number in (1, 2):
            step_of(record, clock, pixels=number)
    assert seen == [(1, ("first", 1)), (2, ("first", 2)), (3, ("second", 1)), (4, ("second", 2))]
    assert record.result(TERMS, 9).image == ("second", 9)


def test_a_step_that_is_not_finite_is_named_and_shown_to_nobody(clock):
    seen = []
    record = Recorder(Problem("whole"), lambda step, _: seen.append(step.evaluation))
    record.record(TERMS, lambda: None)
    with pytest.raises(RosettaError, match="total variation is nan at evaluation 2"):
        record.record(LossTerms({}, {}, float("nan")), lambda: None)
    assert seen == [1]


def of(total):
    return LossTerms({}, {}, total)


def test_a_stage_that_goes_on_is_measured_by_the_first_loss_before_the_interruption():
    state = SimpleNamespace(steps=(Step(1, 1, 1.0, 1.0, 1.0, of(2.0)),), stage=1)
    record = Recorder(Problem("whole"), None, SimpleNamespace(state=state, evaluated=lambda _: None))
    with record.setting_up(Problem("only")):
        pass
    for _ in range(9):
        record.record(of(201.0), lambda: np.zeros(1))
    with pytest.raises(RosettaError, match="the loss grew from 2 to 201 at evaluation 11"):
        record.record(of(201.0), lambda: np.zeros(1))


def test_each_stage_ends_for_itself():
    """The first has no end of its own; the second forgets what the first has reached."""
    record = Recorder(Problem("whole"), None)
    with record.setting_up(Problem("first")):
        pass
    assert not any(record.is_enough(of(1.0)) for _ in range(50))
    with record.setting_up(Problem("second"), Until(change=0.1)):
        pass
    assert not any(record.is_enough(of(9.0)) for _ in range(20))
    assert record.is_enough(of(8.2))
    with record.setting_up(Problem("third"), Until(loss=2.0)):
        pass
    assert [record.is_enough(of(loss)) for loss in (3.0, 2.0, 2.5)] == [False, True, False]


def test_a_worse_point_of_a_line_search_is_no_end():
    record = Recorder(Problem("whole"), None)
    with record.setting_up(Problem("only"), Until(change=0.1)):
        pass
    losses = [0.9**number for number in range(40)]
    losses[25] = 7.0
    assert not any(record.is_enough(of(loss)) for loss in losses)
