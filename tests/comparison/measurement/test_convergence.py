"""Loss against evaluations and seconds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.comparison.measurement import Convergence, Reached, common_loss, convergence_of, optimizer_s
from common.results import LossTerms, RunResult, Step

SECONDS, EVALUATION_S = 2.0, 1.5  # of a step unless a test says otherwise


def step(number, loss=1.0, stage=1, duration_s=SECONDS, evaluation_s=EVALUATION_S):
    terms = LossTerms({"conv1_1": loss / 2}, {}, loss / 2)
    return Step(number, stage, 100.0 * number, duration_s, evaluation_s, terms)  # elapsed time tells nothing here


def run(*steps):
    return RunResult(np.zeros((1, 1, 3), np.float32), steps[-1].losses, steps, setup_s=50.0)


def test_the_curve_is_the_total_loss_against_the_seconds_that_had_passed():
    curve = convergence_of(run(step(1, 8.0), step(2, 4.0, duration_s=3.0), step(3, 6.0)), first_evaluation_s=2.0)
    assert curve == Convergence((2.0, 5.0, 7.0), (8.0, 4.0, 6.0))


def test_the_first_evaluation_counts_as_long_as_it_took_in_a_new_process():
    curve = convergence_of(run(step(1, duration_s=1.0), step(2, duration_s=1.0)), first_evaluation_s=30.0)
    assert curve.seconds == (30.0, 31.0)


def test_earlier_stages_do_not_count():
    steps = (step(1, 1.0, stage=1), step(2, 1.0, stage=1), step(3, 9.0, stage=2), step(4, 5.0, stage=2))
    assert convergence_of(run(*steps), first_evaluation_s=7.0) == Convergence((7.0, 9.0), (9.0, 5.0))


def test_the_curve_is_of_plain_numbers():
    curve = convergence_of(run(step(1), step(2)), first_evaluation_s=1.0)
    assert {type(value) for value in (*curve.seconds, *curve.losses)} == {float}


def test_the_optimizer_takes_what_the_evaluation_leaves_of_a_step():
    assert optimizer_s(run(step(1), step(2, duration_s=2.0), step(3, duration_s=2.5), step(4, duration_s=9.0))) == 1.0


def test_the_first_step_does_not_count_for_the_optimizer_unless_it_is_the_only_one():
    slow = step(1, duration_s=11.5)
    assert optimizer_s(run(slow, step(2))) == 0.5
    assert optimizer_s(run(slow)) == 10.0


def test_the_optimizer_is_timed_in_the_last_stage():
    assert optimizer_s(run(*(step(n, duration_s=9.0) for n in (1, 2, 3)), step(4, stage=2), step(5, stage=2))) == 0.5


CURVE = Convergence((1.0, 3.0, 7.0, 8.0), (9.0, 4.0, 6.0, 2.0))


@pytest.mark.parametrize(
    ("loss", "reached"), [(10.0, (1, 1.0)), (9.0, (1, 1.0)), (5.0, (2, 3.0)), (4.0, (2, 3.0)), (2.0, (4, 8.0))]
)
def test_a_loss_is_reached_by_the_first_evaluation_at_or_below_it(loss, reached):
    assert CURVE.reach(loss) == Reached(*reached)


def test_a_loss_below_the_best_is_never_reached():
    assert CURVE.best_loss == 2.0
    assert CURVE.reach(np.nextafter(2.0, 0.0)) is None


curves = st.lists(st.floats(0, 1e6), min_size=1, max_size=6).map(
    lambda losses: Convergence(tuple(map(float, range(1, len(losses) + 1))), tuple(losses))
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.text(max_size=3), curves, min_size=1, max_size=4))
def test_the_common_loss_is_the_lowest_that_every_row_reaches(rows):
    loss = common_loss(rows)
    assert all(curve.reach(loss) is not None for curve in rows.values())
    assert any(curve.reach(np.nextafter(loss, -1.0)) is None for curve in rows.values())


def test_without_rows_there_is_no_common_loss():
    assert common_loss({}) is None
