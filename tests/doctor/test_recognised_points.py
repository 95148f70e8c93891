"""Points of SciPy's L-BFGS and what is answered at them: in another order, late, rounded, of another shape."""

from contextlib import suppress

import numpy as np
import pytest
from scipy.optimize import fmin_l_bfgs_b
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, random_case
from common.recipes import lbfgs_of


@pytest.fixture(scope="module")
def case():
    return random_case(3, shallow("gatys"), load_weights("random"))


@pytest.fixture(scope="module")
def given(case):
    """What a port without a fault hands over of its L-BFGS."""
    return of_lbfgs(case)


class _EnoughError(Exception):
    pass


def of_lbfgs(case, read=lambda gradient: gradient):
    """What a port hands over whose SciPy is given each gradient as `read` makes it."""
    run, points, losses, gradients = Run(case), [], [], []
    start = np.asarray(run.expected("pixels"), np.float64)

    def answer(at):
        if len(points) == 8:
            raise _EnoughError
        points.append(at.reshape(start.shape).copy())
        there = run.at(points[-1])
        losses.append(float(there.expected("loss/total")))
        gradients.append(there.expected("gradient/pixels"))
        return losses[-1], read(gradients[-1]).ravel()

    with suppress(_EnoughError):
        memory = lbfgs_of(case.problem.recipe).memory
        fmin_l_bfgs_b(answer, start.ravel(), m=memory, factr=0.0, pgtol=0.0)
    given = {"pixels": start, "gradient/pixels": gradients[0]}
    given |= {"lbfgs/pixels": points, "lbfgs/losses": losses, "lbfgs/gradients": gradients}
    return {name: np.array(it) for name, it in given.items()}


def test_a_gradient_in_another_order_than_the_image_is_named(case):
    found, *_ = diagnose(case, of_lbfgs(case, lambda it: it.transpose(2, 0, 1)), "float64").findings
    assert found.recognised.values["order"] == "channel, height, width"


def test_gradients_of_the_point_before_are_named(case, given):
    late = np.concatenate([given["lbfgs/gradients"][:1], given["lbfgs/gradients"][:-1]])
    findings = diagnose(case, {**given, "lbfgs/gradients": late}, "float64").findings
    assert ("lbfgs/gradients", "each loss or gradient is that of the point before") in {
        (it.tensor, it.evidence) for it in findings
    }


def test_a_first_gradient_that_alone_is_wrong_does_not_make_the_others_late(case, given):
    """The first steps of L-BFGS are short, and the gradients at their points near each other."""
    wrong = given["lbfgs/gradients"].copy()
    wrong[0] *= 2
    findings = diagnose(case, {**given, "lbfgs/gradients": wrong}, "float64").findings
    assert "answers late" not in {it.recognised and it.recognised.kind for it in findings}


@pytest.mark.parametrize(
    "broken",
    [
        {"lbfgs/losses": np.asarray(1.5)},
        {"lbfgs/gradients": np.asarray(1.5)},
        {"lbfgs/pixels": np.zeros((5, 10, 10, 3))},
    ],
    ids=lambda it: next(iter(it)),
)
def test_points_and_answers_of_other_shapes_are_findings_and_no_crash(broken, case, given):
    assert not diagnose(case, {**given, **broken}, "float64").healthy


def test_points_that_were_rounded_do_not_make_their_losses_wrong(case, given):
    rounded = {**given, "lbfgs/pixels": given["lbfgs/pixels"].astype(np.float16).astype(np.float64)}
    kinds = {(it.tensor, it.recognised and it.recognised.kind) for it in diagnose(case, rounded, "float64").findings}
    assert kinds <= {("lbfgs/pixels", "all of a format"), ("lbfgs/pixels", "stored in")}
