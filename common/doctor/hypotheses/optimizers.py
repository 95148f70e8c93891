"""The traps of the optimizers: what the variable is, steps, restarts, and early stops."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from common.doctor.hypotheses.trap import Fault, Trap, fault
from common.oracle import Case
from common.recipes import adam_of, lbfgs_of
from common.vgg19 import CAFFE, IMAGENET, UNIT

_VARIABLES = {
    "RGB in 0..1": UNIT,
    "RGB in 0..255": UNIT.divided_by(1 / 255),
    "RGB over ImageNet's mean and deviations": IMAGENET,
    "BGR in 0..255 minus Oxford's means": CAFFE,
    "RGB in 0..255 minus Oxford's means": replace(CAFFE, bgr=False),
    "RGB in 0..255 minus ImageNet's means": replace(IMAGENET, std=(1 / 255,) * 3),
}
_RATES = {"255": 255.0, "1/255": 1 / 255, "57.6": 57.63, "1/57.6": 1 / 57.63}


@Trap(
    25,
    "Adam's epsilon has another value or another place",
    fix="PyTorch adds 1e-8 after the bias correction, Keras 1e-7 before it: eps_torch = eps_keras / sqrt(1 - beta2^t)",
    seen_in="PyTorch against Keras",
)
def _epsilon(case: Case) -> Iterator[Fault]:
    right = adam_of(case.problem.recipe).epsilon
    for epsilon, hat in product((1e-8, 1e-7, 1e-6, 1e-5, 1e-3, 1e-1), (False, True)):
        if (epsilon, hat) != (right, False):
            place = "before" if hat else "after"
            detail = f"epsilon is {epsilon:g}, added {place} the bias correction"
            yield fault("optimizer", detail, epsilon=epsilon, epsilon_hat=hat)


@Trap(
    26,
    "the optimized variable is in another pixel space, or the learning rate is meant for one",
    fix="optimize in the recipe's pixel space; a learning rate for 0..255 is 57 times that for unit variance and 255 "
    "times that for 0..1",
    seen_in="ports of neural-style",
)
def _pixel_space(case: Case) -> Iterator[Fault]:
    for name, space in _VARIABLES.items():
        if space != case.problem.recipe.pixel_space:
            yield fault("input", f"the optimized variable is {name}", space=space)
    for name, scale in _RATES.items():
        yield fault("optimizer", f"{name} times the learning rate", rate_scale=scale)


@Trap(
    28,
    "SciPy stops early, because a float32 loss meets its tolerance",
    fix="pass factr=0 (ftol=0 to scipy.optimize.minimize) and float64 vectors",
    seen_in="cysmith/neural-style-tf",
)
def _early_stop(_: Case) -> Iterator[Fault]:
    for power in range(7, 17):
        yield fault("optimizer", f"L-BFGS stops by factr={10.0**power:g}", factr=10.0**power)


@Trap(
    29,
    "L-BFGS restarts, and forgets what it has learned, where the recipe goes on, or goes on where it restarts",
    fix="restart as the recipe does: keras-notebook after every 20 evaluations (maxfun=20), all others never",
    seen_in="the Keras notebook and the old Keras example",
)
def _restarts(case: Case) -> Iterator[Fault]:
    right = lbfgs_of(case.problem.recipe).maxfun
    if right is None:
        yield fault("optimizer", "restarted after every 20 evaluations, where the recipe never restarts", maxfun=20)
    else:
        detail = f"never restarted, where the recipe restarts after every {right} evaluations"
        yield fault("optimizer", detail, maxfun=10**9)


@Trap(
    30,
    "the image is clamped inside the closure of L-BFGS",
    fix="clamp after the optimization, or optimize a variable whose range is free",
    seen_in="the PyTorch tutorial",
)
def _clamped(_: Case) -> Iterator[Fault]:
    yield fault("optimizer", "every point is clamped to the range of RGB before it is evaluated", clamped=True)
