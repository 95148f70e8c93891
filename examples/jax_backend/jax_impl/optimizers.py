"""Adam over one variable, in the textbook form or the framework's own."""

from functools import partial

import jax
import jax.numpy as jnp
from jax.example_libraries import optimizers

from common.points import Moments
from common.recipes import Adam
from jax_impl.arrays import to_numpy


class Textbook:
    """Kingma and Ba 2014, algorithm 1; a call takes a step."""

    def __init__(self, variable: jax.Array, settings: Adam, moments: Moments | None) -> None:
        self.variable, self._settings, self._steps = variable, settings, 0
        self._mean = self._square = jnp.zeros_like(variable)
        if moments is not None:
            self._steps = moments.steps
            self._mean, self._square = (jnp.array(it[None], variable.dtype) for it in (moments.mean, moments.square))

    def __call__(self, gradient: jax.Array) -> None:
        """Take the next step."""
        factors = jnp.array(self._settings.factors_at(self._steps), gradient.dtype)
        self._steps += 1
        state = self.variable, self._mean, self._square
        self.variable, self._mean, self._square = _moved(*state, gradient, factors, self._settings)

    def moments(self) -> Moments:
        """What has been gathered so far, to go on from."""
        return Moments(to_numpy(self._mean), to_numpy(self._square), self._steps)


@partial(jax.jit, static_argnames="it")
def _moved(
    variable: jax.Array, mean: jax.Array, square: jax.Array, gradient: jax.Array, factors: jax.Array, it: Adam
) -> tuple[jax.Array, jax.Array, jax.Array]:
    rate, mean_scale, square_scale = factors
    mean = it.beta1 * mean + (1 - it.beta1) * gradient
    square = it.beta2 * square + (1 - it.beta2) * jnp.square(gradient)
    root = jnp.sqrt(square / square_scale) + it.epsilon
    return variable - rate * (mean / mean_scale) / root, mean, square


class Native:
    """The framework's own Adam; a call takes a step."""

    def __init__(self, variable: jax.Array, settings: Adam) -> None:
        self._steps, self.variable = 0, variable
        start, self._update, self._variable_of = optimizers.adam(settings.rate_at, settings.beta1, settings.beta2)
        self._state = start(variable)

    def __call__(self, gradient: jax.Array) -> None:
        """Take the next step."""
        self._state = self._update(self._steps, gradient, self._state)
        self.variable = self._variable_of(self._state)
        self._steps += 1

    def moments(self) -> None:
        """The framework keeps its own."""


def adam(variable: jax.Array, settings: Adam, moments: Moments | None = None) -> Textbook | Native:
    """Adam's next steps, from `moments` on in the textbook form, else from its first."""
    return Native(variable, settings) if settings.form == "native" else Textbook(variable, settings, moments)
