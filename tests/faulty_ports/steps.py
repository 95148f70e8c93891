"""Traps of the gradient and the optimizers: 25 to 30."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from common.recipes.overrides import lbfgs_of
from common.recipes.recipe import LBFGS, Adam
from faulty_ports.pictures import chw_read_as_hwc
from faulty_ports.planting import Broken, Plant, Port


def _adam(change: Callable[[Adam], Adam]) -> Plant:
    return lambda port: port.patched(
        "adam", lambda right: lambda variable, it, moments: right(variable, change(it), moments)
    )


def _epsilon_before_the_correction(epsilon: float) -> Plant:
    """Keras' and MXNet's form: the rate is corrected for the bias, and epsilon is added to the uncorrected root."""

    class Planted:
        def __init__(self, variable: Any, settings: Adam, _: Any) -> None:
            self.variable, self.settings = variable, settings
            self.mean = self.square = 0.0
            self.step = -1

        def __call__(self, gradient: Any) -> None:
            settings = self.settings
            self.step += 1
            self.mean = settings.beta1 * self.mean + (1 - settings.beta1) * gradient
            self.square = settings.beta2 * self.square + (1 - settings.beta2) * gradient**2
            first, second = 1 - settings.beta1 ** (self.step + 1), 1 - settings.beta2 ** (self.step + 1)
            rate = settings.rate_at(self.step) * second**0.5 / first
            self.variable = self.variable - rate * self.mean / (self.square**0.5 + epsilon)

    return lambda port: port.patched("adam", lambda _: Planted)


def _flattened_otherwise(port: Port) -> Port:
    """Every gradient at the image is flattened as (3, H, W) and read as (H, W, 3)."""

    def of_objective(right: Any) -> Any:
        class Flattened(right):
            def terms_and_gradient(self, variable):
                terms, gradient = super().terms_and_gradient(variable)
                return terms, flattened(gradient)

            def recorded(self, variable, layers):
                found = super().recorded(variable, layers)
                return found._replace(at_pixels=flattened(found.at_pixels))

        return Flattened

    def flattened(gradient: Any) -> Any:
        return port.batch(chw_read_as_hwc(port.xp, port.hwc(gradient)))

    return port.patched("Objective", of_objective)


def _minimizing(wrap: Callable[[Port, Any], Any]) -> Plant:
    return lambda port: port.patched("minimize", lambda right: wrap(port, right), "common.lbfgs")


def _stops_early(factr: float) -> Plant:
    """The loss goes to SciPy as float32, and a tolerance ends it."""

    def wrap(_: Port, right: Any) -> Any:
        def minimize(value_and_grad: Any, start: Any, optimizer: LBFGS, steps: int, **more: Any) -> Any:
            def rounded(point: Any) -> Any:
                loss, gradient = value_and_grad(point)
                return float(np.float32(loss)), gradient.astype(np.float32)

            return right(rounded, start, optimizer, steps, **{**more, "factr": factr})

        return minimize

    return _minimizing(wrap)


def _restarts_otherwise(port: Port, right: Any) -> Any:
    """A new call after every 20 evaluations, or none where the recipe has them."""
    maxfun = 20 if lbfgs_of(port.case.problem.recipe).maxfun is None else None

    def minimize(value_and_grad: Any, start: Any, optimizer: LBFGS, steps: int, **more: Any) -> Any:
        return right(value_and_grad, start, replace(optimizer, maxfun=maxfun), steps, **more)

    return minimize


def _clamps(port: Port, right: Any) -> Any:
    """Every point is clamped to the range of RGB before it is evaluated."""
    black, white = (port.problem.recipe.pixel_space.apply(np.full(3, level)) for level in (0.0, 1.0))

    def minimize(value_and_grad: Any, *given: Any, **more: Any) -> Any:
        def clamped(point: Any) -> Any:
            return value_and_grad(np.clip(point.reshape(-1, 3), black, white).ravel())

        return right(clamped, *given, **more)

    return minimize


_RATE = ("rate",)
# A difference of 1e-7 in epsilon is rounding in float32; in float64 no other arithmetic may be planted with it.
_SMALL_EPSILON = ("epsilon", "arithmetic")

STEPS = (
    Broken(25, "epsilon of 0.001", _adam(lambda adam: replace(adam, epsilon=1e-3)), ("epsilon",)),
    Broken(25, "epsilon of 1e-7", _adam(lambda it: replace(it, epsilon=1e-7)), _SMALL_EPSILON, precision="float64"),
    Broken(
        25, "Keras' epsilon and its place", _epsilon_before_the_correction(1e-7), (*_SMALL_EPSILON, "rate"),
        precision="float64",
    ),
    Broken(26, "learning rate times 255", _adam(lambda it: replace(it, learning_rate=255 * it.learning_rate)), _RATE),
    Broken(
        26, "learning rate divided by 57.63",
        _adam(lambda it: replace(it, learning_rate=it.learning_rate / 57.63)), _RATE,
    ),
    Broken(27, "gradient flattened as CHW", _flattened_otherwise),
    Broken(28, "a tolerance ends L-BFGS", _stops_early(1e15), ("calls",)),
    Broken(29, "restarts where there are none", _minimizing(_restarts_otherwise), ("calls",)),
    Broken(30, "every point clamped", _minimizing(_clamps), ("points",)),
)  # fmt: skip
