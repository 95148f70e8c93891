"""Adam over one variable, in the textbook form or the framework's own."""

from collections.abc import Callable

import keras
import tensorflow as tf

from common.recipes import Adam

Update = Callable[[tf.Tensor, int], None]


def adam(variable: tf.Variable, settings: Adam) -> Update:
    """A function of (gradient, step) that moves the variable in place; steps count from 0."""
    return _native(variable, settings) if settings.form == "native" else _textbook(variable, settings)


def _textbook(variable: tf.Variable, settings: Adam) -> Update:
    # Kingma and Ba 2014, algorithm 1. Keras' own Adam adds epsilon before the bias correction.
    mean, square = (tf.Variable(tf.zeros_like(variable)) for _ in range(2))
    beta1, beta2 = settings.beta1, settings.beta2

    @tf.function  # type: ignore[untyped-decorator]
    def move(gradient: tf.Tensor, rate: tf.Tensor, mean_scale: tf.Tensor, square_scale: tf.Tensor) -> None:
        mean.assign(beta1 * mean + (1 - beta1) * gradient)
        square.assign(beta2 * square + (1 - beta2) * tf.square(gradient))
        variable.assign_sub(rate * (mean / mean_scale) / (tf.sqrt(square / square_scale) + settings.epsilon))

    def update(gradient: tf.Tensor, step: int) -> None:
        numbers = (settings.rate_at(step), 1 - beta1 ** (step + 1), 1 - beta2 ** (step + 1))
        move(gradient, *(tf.constant(number, gradient.dtype) for number in numbers))

    return update


def _native(variable: tf.Variable, settings: Adam) -> Update:
    native = keras.Variable(variable, dtype=variable.dtype.name)
    optimizer = keras.optimizers.Adam(beta_1=settings.beta1, beta_2=settings.beta2)

    def update(gradient: tf.Tensor, step: int) -> None:
        optimizer.learning_rate = settings.rate_at(step)
        optimizer.apply([gradient], [native])
        variable.assign(native.value)

    return update
