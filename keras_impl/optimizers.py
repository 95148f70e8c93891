"""Adam over one variable, in the textbook form or the framework's own."""

from typing import Protocol

import keras
import tensorflow as tf

from common.points import Moments
from common.recipes import Adam
from keras_impl.arrays import to_numpy


class Update(Protocol):
    """A step of Adam, which moves the variable in place; a call is a step."""

    def __call__(self, gradient: tf.Tensor) -> None:
        """Take the next step."""

    def moments(self) -> Moments | None:
        """What has been gathered so far, to go on from; None where the framework keeps that to itself."""


def adam(variable: tf.Variable, settings: Adam, moments: Moments | None = None) -> Update:
    """Adam's next steps, from `moments` on in the textbook form, else from its first."""
    return Native(variable, settings) if settings.form == "native" else Textbook(variable, settings, moments)


class Textbook:
    """Kingma and Ba 2014, algorithm 1."""

    # Keras' own Adam adds epsilon before the bias correction.
    def __init__(self, variable: tf.Variable, settings: Adam, moments: Moments | None) -> None:
        self._variable, self._settings = variable, settings
        self._mean, self._square = (tf.Variable(tf.zeros_like(variable)) for _ in range(2))
        self._steps = 0
        if moments is not None:
            self._steps = moments.steps
            self._mean.assign(tf.cast(moments.mean[None], variable.dtype))
            self._square.assign(tf.cast(moments.square[None], variable.dtype))

    def __call__(self, gradient: tf.Tensor) -> None:
        """Take the next step."""
        beta1, beta2, rate = self._settings.beta1, self._settings.beta2, self._settings.rate_at(self._steps)
        self._steps += 1
        numbers = (rate, 1 - beta1**self._steps, 1 - beta2**self._steps)
        self._move(gradient, *(tf.constant(number, gradient.dtype) for number in numbers))

    @tf.function  # type: ignore[untyped-decorator]
    def _move(self, gradient: tf.Tensor, rate: tf.Tensor, mean_scale: tf.Tensor, square_scale: tf.Tensor) -> None:
        beta1, beta2 = self._settings.beta1, self._settings.beta2
        self._mean.assign(beta1 * self._mean + (1 - beta1) * gradient)
        self._square.assign(beta2 * self._square + (1 - beta2) * tf.square(gradient))
        root = tf.sqrt(self._square / square_scale) + self._settings.epsilon
        self._variable.assign_sub(rate * (self._mean / mean_scale) / root)

    def moments(self) -> Moments:
        """What has been gathered so far, to go on from."""
        return Moments(to_numpy(self._mean), to_numpy(self._square), self._steps)


class Native:
    """The framework's own Adam."""

    def __init__(self, variable: tf.Variable, settings: Adam) -> None:
        self._variable, self._settings, self._steps = variable, settings, 0
        self._native = keras.Variable(variable, dtype=variable.dtype.name)
        self._optimizer = keras.optimizers.Adam(beta_1=settings.beta1, beta_2=settings.beta2)

    def __call__(self, gradient: tf.Tensor) -> None:
        """Take the next step."""
        self._optimizer.learning_rate = self._settings.rate_at(self._steps)
        self._optimizer.apply([gradient], [self._native])
        self._variable.assign(self._native.value)
        self._steps += 1

    def moments(self) -> None:
        """The framework keeps its own."""
