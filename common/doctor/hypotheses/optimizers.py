"""The traps of the optimizers: what the variable is, steps, restarts, and early stops."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from common.doctor.hypotheses.trap import Fault, Trap
from common.doctor.reference import Case
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


def _epsilons(case: Case) -> Iterator[Fault]:
    for epsilon, hat in product((1e-8, 1e-7, 1e-6, 1e-5, 1e-3, 1e-1), (False, True)):
        if (epsilon, hat) != (case.adam.epsilon, False):
            place = "before" if hat else "after"
            changes = {"epsilon": epsilon, "epsilon_hat": hat}
            yield Fault(changes, f"epsilon is {epsilon:g}, added {place} the bias correction")


EPSILON = Trap(
    number=25,
    title="Adam's epsilon has another value or another place",
    fix="PyTorch adds 1e-8 after the bias correction, Keras 1e-7 before it: eps_torch = eps_keras / sqrt(1 - beta2^t)",
    seen_in="PyTorch against Keras",
    faults={"optimizer": _epsilons},
)


def _variables(case: Case) -> Iterator[Fault]:
    for words, space in _VARIABLES.items():
        if space != case.problem.recipe.pixel_space:
            yield Fault({"space": space}, f"the optimized variable is {words}")


def _rates(_: Case) -> Iterator[Fault]:
    for name, scale in _RATES.items():
        yield Fault({"rate_scale": scale}, f"{name} times the learning rate")


PIXEL_SPACE = Trap(
    number=26,
    title="the optimized variable is in another pixel space, or the learning rate is meant for one",
    fix="optimize in the recipe's pixel space; a learning rate for 0..255 is 57 times that for unit variance and 255 "
    "times that for 0..1",
    seen_in="ports of neural-style",
    faults={"input": _variables, "optimizer": _rates},
)


def _early_stops(_: Case) -> Iterator[Fault]:
    for power in range(7, 17):
        factr = 10.0**power
        yield Fault({"factr": factr}, f"L-BFGS stops by factr={factr:g}")


EARLY_STOP = Trap(
    number=28,
    title="SciPy stops early, because a float32 loss meets its tolerance",
    fix="pass factr=0 (ftol=0 to scipy.optimize.minimize) and float64 vectors",
    seen_in="cysmith/neural-style-tf",
    faults={"optimizer": _early_stops},
)


def _restarts(case: Case) -> Iterator[Fault]:
    if case.lbfgs.maxfun is None:
        yield Fault({"maxfun": 20}, "restarted after every 20 evaluations, where the recipe never restarts")
    else:
        detail = f"never restarted, where the recipe restarts after every {case.lbfgs.maxfun} evaluations"
        yield Fault({"maxfun": 10**9}, detail)


RESTARTS = Trap(
    number=29,
    title="L-BFGS restarts, and forgets what it has learned, where the recipe goes on, or goes on where it restarts",
    fix="restart as the recipe does: keras-notebook after every 20 evaluations (maxfun=20), all others never",
    seen_in="the Keras notebook and the old Keras example",
    faults={"optimizer": _restarts},
)


def _clamped(_: Case) -> Iterator[Fault]:
    yield Fault({"clamped": True}, "every point is clamped to the range of RGB before it is evaluated")


CLAMPED = Trap(
    number=30,
    title="the image is clamped inside the closure of L-BFGS",
    fix="clamp after the optimization, or optimize a variable whose range is free",
    seen_in="the PyTorch tutorial",
    faults={"optimizer": _clamped},
)
