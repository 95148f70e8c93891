"""The Evaluator's calls, and SciPy's L-BFGS against a closed-form quadratic."""

import numpy as np
import pytest
from scipy import optimize
from threadpoolctl import threadpool_info, threadpool_limits

from common import LBFGS, RosettaError
from common.lbfgs import BudgetSpentError, Evaluator, minimize


class Quadratic:
    """(x - a)^T D (x - a) / 2 + 3, whose minimum is at a; counts its evaluations."""

    def __init__(self, size=30):
        rng = np.random.default_rng(0)
        self.minimum, self.scales = rng.normal(0, 1, size), np.logspace(0, 2, size)
        self.evaluations = 0

    def __call__(self, point):
        self.evaluations += 1
        away = point - self.minimum
        return 0.5 * float(away @ (self.scales * away)) + 3, self.scales * away


def test_one_pass_serves_loss_and_grads():
    quadratic = Quadratic()
    evaluator = Evaluator(quadratic, budget=10)
    point = np.zeros(30)
    loss, gradient = evaluator.loss(point), evaluator.grads(point)
    assert quadratic.evaluations == evaluator.evaluations == 1
    assert (loss, gradient.tolist()) == (quadratic(point)[0], quadratic(point)[1].tolist())


def test_grads_may_come_first_and_another_point_is_another_pass():
    quadratic = Quadratic()
    evaluator = Evaluator(quadratic, budget=10)
    evaluator.grads(np.zeros(30))
    evaluator.loss(np.zeros(30))
    evaluator.loss(np.ones(30))
    assert quadratic.evaluations == 2


def test_a_point_that_is_changed_in_place_is_another_point():
    evaluator, point = Evaluator(Quadratic(), budget=10), np.zeros(30)
    before = evaluator.loss(point)
    point += 1
    assert evaluator.loss(point) != before


def test_grads_are_a_float64_copy():
    evaluator = Evaluator(lambda _: (1.0, np.ones((2, 3), np.float32)), budget=10)
    gradient = evaluator.grads(np.zeros(6))
    gradient[:] = 9
    assert gradient.dtype == np.float64
    assert evaluator.grads(np.zeros(6)).tolist() == [1] * 6


def test_the_budget_is_kept():
    evaluator = Evaluator(Quadratic(), budget=1)
    evaluator.loss(np.zeros(30))
    with pytest.raises(BudgetSpentError):
        evaluator.loss(np.ones(30))


def test_minimize_finds_the_minimum_of_a_quadratic():
    quadratic = Quadratic()
    found = minimize(quadratic, np.zeros((5, 6)), LBFGS(), steps=200)
    np.testing.assert_allclose(found, quadratic.minimum, atol=1e-6)
    assert quadratic.evaluations <= 200


class Rosenbrock:
    """The valley in which line searches overshoot; keeps every point and its loss."""

    def __init__(self):
        self.points, self.losses = [], []

    def __call__(self, x):
        gap, off = x[1:] - x[:-1] ** 2, 1 - x[:-1]
        gradient = np.zeros_like(x)
        gradient[1:] += 200 * gap
        gradient[:-1] += -400 * x[:-1] * gap - 2 * off
        self.points.append(x.copy())
        self.losses.append(float(100 * gap @ gap + off @ off))
        return self.losses[-1], gradient


@pytest.mark.parametrize("maxfun", [None, 5])
def test_minimize_takes_the_budget_it_is_given_and_returns_the_best_of_its_points(maxfun):
    """A larger budget goes on where a smaller one ended, and ends in the middle of a line search or not."""
    whole, ended_worse = Rosenbrock(), 0
    minimize(whole, np.full(20, -1.0), LBFGS(maxfun=maxfun), steps=30)
    assert len(whole.points) == 30
    for steps in range(1, 30):
        part = Rosenbrock()
        best = minimize(part, np.full(20, -1.0), LBFGS(maxfun=maxfun), steps)
        assert len(part.points) == steps
        np.testing.assert_array_equal(part.points, whole.points[:steps])
        np.testing.assert_array_equal(best, part.points[int(np.argmin(part.losses))])
        ended_worse += part.losses[-1] > min(part.losses)
    assert ended_worse > 2, "the last point was always the best, which proves nothing"


@pytest.mark.parametrize("memory", [2, 30])
def test_minimize_is_scipys_with_the_memory_it_is_given(memory):
    """Against SciPy's other door to the same routine; with another memory the points part after as many steps."""
    ours, theirs, others = Rosenbrock(), Rosenbrock(), Rosenbrock()
    minimize(ours, np.full(20, -1.0), LBFGS(memory=memory), steps=60)
    for rosenbrock, maxcor in ((theirs, memory), (others, 10)):
        options = {"maxcor": maxcor, "maxfun": 60, "maxiter": 60, "ftol": 0.0, "gtol": 0.0}
        optimize.minimize(rosenbrock, np.full(20, -1.0), jac=True, method="L-BFGS-B", options=options)
    np.testing.assert_array_equal(ours.points, theirs.points[:60])
    assert not np.array_equal(ours.points, others.points[:60])


def test_a_call_with_maxfun_20_takes_21_evaluations_like_the_keras_notebook():
    """Or 22, when the last line search takes two: SciPy looks at maxfun after an iteration."""
    rosenbrock = Rosenbrock()
    minimize(rosenbrock, np.full(40, -1.0), LBFGS(maxfun=20), steps=60)
    points = rosenbrock.points
    repeats = [index for index in range(1, 60) if any(np.array_equal(points[index], p) for p in points[:index])]
    assert repeats[0] in (21, 22), "a restart evaluates its first point again"


def test_a_loss_that_is_nowhere_finite_is_refused():
    with pytest.raises(RosettaError, match="not finite at the start"):
        minimize(lambda point: (np.nan, np.zeros_like(point)), np.zeros(3), LBFGS(), steps=5)


def scipys_threads():
    return {it["filepath"]: it["num_threads"] for it in threadpool_info() if it["prefix"] == "libscipy_openblas"}


def test_scipys_threads_take_no_processor_from_the_evaluation():
    seen, quadratic = [], Quadratic()

    def evaluate(point):
        seen.append(scipys_threads())
        return quadratic(point)

    with threadpool_limits(2, user_api="blas"):
        before = scipys_threads()
        minimize(evaluate, np.zeros(30), LBFGS(memory=5), steps=3)
        assert scipys_threads() == before
    assert set(before.values()) == {2}
    assert [set(threads.values()) for threads in seen] == [{1}] * 3


def test_the_point_does_not_depend_on_the_number_of_threads():
    points = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            points.append(minimize(Quadratic(200_000), np.zeros(200_000), LBFGS(memory=5), steps=12))
    np.testing.assert_array_equal(*points)
