"""Rules of steps and points: PyTorch's and SciPy's own optimizers are run, and the doctor names them."""

from contextlib import suppress

import keras
import numpy as np
import pytest
import torch
from scipy.optimize import fmin_l_bfgs_b
from shallow import shallow

from common import load_weights
from common.doctor import diagnose
from common.oracle import Run, random_case
from common.recipes import adam_of, lbfgs_of

OPTIMIZERS = {
    "Adam's with Nesterov momentum (PyTorch's NAdam)": torch.optim.NAdam,
    "Adam's with the largest gradient in the second moment's place (Adamax)": torch.optim.Adamax,
    "Adam's without the second moment (as RAdam begins)": torch.optim.RAdam,
    "those of Adadelta": torch.optim.Adadelta,
}


@pytest.fixture(scope="module", params=["gatys", "d2l"])
def case(request):
    return random_case(3, shallow(request.param), load_weights("random"))


def range_of(run):
    """The least and the largest value of each of the variable's values, for RGB in 0..1."""
    black, white = (run.maps.to_pixels(np.full(run.case.image.shape, level)) for level in (0.0, 1.0))
    return np.minimum(black, white), np.maximum(black, white)


def stepped(case, make, after=lambda variable: variable):
    """What a port hands over whose variable is stepped by one of PyTorch's optimizers."""
    run, settings = Run(case), adam_of(case.problem.recipe)
    variable = torch.tensor(run.expected("pixels"), dtype=torch.float64, requires_grad=True)
    optimizer, given = make([variable], lr=settings.learning_rate), {"pixels": run.expected("pixels")}
    for step in range(1, 6):
        gradient = run.at(variable.detach().numpy().copy()).expected("gradient/pixels")
        variable.grad = torch.tensor(gradient)
        optimizer.step()
        with torch.no_grad():
            variable.copy_(after(variable))
        given |= {f"adam/{step}/gradient": gradient, f"adam/{step}/pixels": variable.detach().numpy().copy()}
    return given


# With gatys, whose gradients are large, the steps of RAdam overflow.
@pytest.mark.parametrize(
    ("case", "words"),
    [*(("d2l", words) for words in OPTIMIZERS), *(("gatys", words) for words in OPTIMIZERS if "RAdam" not in words)],
    indirect=["case"],
)
def test_the_steps_of_pytorchs_optimizers_are_named(words, case):
    """PyTorch holds some factors of a step in float32."""
    (finding,) = diagnose(case, stepped(case, OPTIMIZERS[words])).findings
    assert finding.recognised.sentence.startswith(f"the 5 steps are {words}, to ")


KERAS = {
    "Nadam": "Adam's with Nesterov momentum (Keras' Nadam)",
    "RMSprop": "those of RMSprop with a decay of 0.9, epsilon under the root",
    "Adagrad": "those of Adagrad of Keras",
    "Adadelta": "those of Adadelta with Keras' decay",
    "Lion": "those of Lion",
    "Adamax": "Adam's with the largest gradient in the second moment's place (Adamax)",
}


@pytest.mark.parametrize("name", KERAS)
def test_the_steps_of_keras_optimizers_are_named(name):
    case = random_case(3, shallow("d2l"), load_weights("random"))
    run, settings = Run(case), adam_of(case.problem.recipe)
    variable = keras.Variable(run.expected("pixels").astype(np.float32))
    optimizer = getattr(keras.optimizers, name)(settings.learning_rate)
    given = {"pixels": keras.ops.convert_to_numpy(variable).copy()}
    for step in range(1, 6):
        point = keras.ops.convert_to_numpy(variable).astype(np.float64)
        gradient = run.at(point).expected("gradient/pixels").astype(np.float32)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        given |= {f"adam/{step}/gradient": gradient, f"adam/{step}/pixels": keras.ops.convert_to_numpy(variable).copy()}
    (finding,) = diagnose(case, given).findings
    assert finding.recognised.sentence.startswith(f"the 5 steps are {KERAS[name]}, to ")


def test_steps_that_are_clamped_are_named(case):
    low, high = (torch.tensor(it) for it in range_of(Run(case)))
    epsilon = adam_of(case.problem.recipe).epsilon
    given = stepped(
        case,
        lambda variables, lr: torch.optim.Adam(variables, lr=lr, eps=epsilon),
        lambda variable: torch.clamp(variable, low, high),
    )
    first, *_ = diagnose(case, given, "float64").findings
    assert "with the image clamped to the range of RGB after each" in first.recognised.sentence


def test_a_second_moment_that_starts_at_the_first_gradients_is_named(case):
    run, settings = Run(case), adam_of(case.problem.recipe)
    point, given = np.asarray(run.expected("pixels"), np.float64), {"pixels": run.expected("pixels")}
    first = second = 0.0
    for step in range(1, 6):
        gradient = run.at(point).expected("gradient/pixels")
        second = gradient**2 if step == 1 else settings.beta2 * second + (1 - settings.beta2) * gradient**2
        first = settings.beta1 * first + (1 - settings.beta1) * gradient
        corrected = second / (1 - settings.beta2**step)
        mean = first / (1 - settings.beta1**step)
        point = point - settings.rate_at(step - 1) * mean / (np.sqrt(corrected) + settings.epsilon)
        given |= {f"adam/{step}/gradient": gradient, f"adam/{step}/pixels": point}
    found, *_ = diagnose(case, given, "float64").findings
    assert (
        "Adam's whose second moment starts at the first gradient (squared), not at zero, to"
        in found.recognised.sentence
    )


def test_gradients_that_add_up_are_named(case):
    """PyTorch adds to `grad`, and nothing sets it to zero."""
    run, settings = Run(case), adam_of(case.problem.recipe)
    variable = torch.tensor(run.expected("pixels"), dtype=torch.float64, requires_grad=True)
    variable.grad = torch.zeros_like(variable)
    optimizer = torch.optim.Adam([variable], lr=settings.learning_rate, eps=settings.epsilon)
    given = {"pixels": run.expected("pixels")}
    for step in range(1, 6):
        variable.grad += torch.tensor(run.at(variable.detach().numpy().copy()).expected("gradient/pixels"))
        optimizer.step()
        given[f"adam/{step}/gradient"] = variable.grad.numpy().copy()
        given[f"adam/{step}/pixels"] = variable.detach().numpy().copy()
    (finding,) = diagnose(case, given, "float64").findings
    assert (finding.tensor, finding.recognised.kind) == ("adam/2/gradient", "gradients added up")
    assert finding.also_in == ("adam/3/gradient", "adam/4/gradient", "adam/5/gradient")


def test_points_before_their_steps_are_named_once(case):
    run = Run(case)
    given = {"pixels": run.expected("pixels"), "adam/1/pixels": run.expected("pixels")}
    given |= {f"adam/{step}/gradient": run.expected(f"adam/{step}/gradient") for step in range(1, 6)}
    given |= {f"adam/{step + 1}/pixels": run.expected(f"adam/{step}/pixels") for step in range(1, 5)}
    (finding,) = diagnose(case, given, "float64").findings
    assert (finding.tensor, finding.recognised.kind) == ("adam/1/pixels", "steps early")


class _EnoughError(Exception):
    pass


@pytest.mark.parametrize("evaluations", [5, 10])
def test_restarts_of_scipys_lbfgs_are_named(evaluations, case):
    run, points, losses, gradients = Run(case), [], [], []
    point = np.asarray(run.expected("pixels"), np.float64)

    def answer(at):
        if len(points) == 24:
            raise _EnoughError
        points.append(at.reshape(point.shape).copy())
        there = run.at(points[-1])
        losses.append(float(there.expected("loss/total")))
        gradients.append(there.expected("gradient/pixels"))
        return losses[-1], gradients[-1].ravel()

    start, memory = point.ravel(), lbfgs_of(case.problem.recipe).memory
    with suppress(_EnoughError):
        while True:
            start, *_ = fmin_l_bfgs_b(answer, start, m=memory, factr=0.0, pgtol=0.0, maxfun=evaluations)
    given = {"lbfgs/pixels": points, "lbfgs/losses": losses, "lbfgs/gradients": gradients}
    arrays = {"pixels": points[0], **{name: np.array(it) for name, it in given.items()}}
    first, *_ = diagnose(case, arrays, "float64").findings
    assert f"maxfun={evaluations}" in first.recognised.values["limit"]


def test_what_a_port_takes_but_does_not_hand_over_makes_no_gradient_wrong(case):
    """Averaged points are handed over, the gradients are those of Adam's own, which are right."""
    run = Run(case)
    given = {name: run.expected(name) for name in ("pixels", *(f"adam/{step}/gradient" for step in range(1, 6)))}
    points = [run.expected(f"adam/{step}/pixels") for step in range(1, 6)]
    given |= {f"adam/{step}/pixels": np.mean(points[:step], axis=0) for step in range(1, 6)}
    findings = diagnose(case, given).findings
    assert findings
    assert all(name.endswith("pixels") for it in findings for name in (it.tensor, *it.also_in))


def test_points_of_lbfgs_that_are_all_the_last_make_no_losses_wrong(case):
    run = Run(case)
    given = {name: run.expected(name) for name in ("pixels", "lbfgs/pixels", "lbfgs/losses", "lbfgs/gradients")}
    given["lbfgs/pixels"] = np.repeat(given["lbfgs/pixels"][-1:], len(given["lbfgs/pixels"]), axis=0)
    assert {it.tensor for it in diagnose(case, given).findings} == {"lbfgs/pixels"}
