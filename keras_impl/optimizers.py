"""Adam over one variable, in the textbook form or the framework's own."""

import keras
import tensorflow as tf

from common.points import Moments
from common.recipes import Adam
from keras_impl.arrays import to_numpy


class Textbook:
    """Kingma and Ba 2014, algorithm 1; a call takes a step."""

    # Keras' own Adam adds epsilon before the bias correction.
    def __init__(self, variable: tf.Tensor, settings: Adam, moments: Moments | None) -> None:
        self.variable, self._settings, self._steps = tf.Variable(variable), settings, 0
        self._mean, self._square = (tf.Variable(tf.zeros_like(variable)) for _ in range(2))
        if moments is not None:
            self._steps = moments.steps
            self._mean.assign(tf.cast(moments.mean[None], variable.dtype))
            self._square.assign(tf.cast(moments.square[None], variable.dtype))

    def __call__(self, gradient: tf.Tensor) -> None:
        """Take the next step."""
        factors = self._settings.factors_at(self._steps)
        self._steps += 1
        self._move(gradient, *(tf.constant(factor, gradient.dtype) for factor in factors))

    @tf.function  # type: ignore[untyped-decorator]
    def _move(self, gradient: tf.Tensor, rate: tf.Tensor, mean_scale: tf.Tensor, square_scale: tf.Tensor) -> None:
        it = self._settings
        self._mean.assign(it.beta1 * self._mean + (1 - it.beta1) * gradient)
        self._square.assign(it.beta2 * self._square + (1 - it.beta2) * tf.square(gradient))
        root = tf.sqrt(self._square / square_scale) + it.epsilon
        self.variable.assign_sub(rate * (self._mean / mean_scale) / root)

    def moments(self) -> Moments:
        """What has been gathered so far, to go on from."""
        return Moments(to_numpy(self._mean), to_numpy(self._square), self._steps)


class Native:
    """The framework's own Adam; a call takes a step."""

    def __init__(self, variable: tf.Tensor, settings: Adam) -> None:
        self.variable = keras.Variable(variable, dtype=variable.dtype.name)
        self._settings, self._steps = settings, 0
        self._optimizer = keras.optimizers.Adam(beta_1=settings.beta1, beta_2=settings.beta2)

    def __call__(self, gradient: tf.Tensor) -> None:
        """Take the next step."""
        self._optimizer.learning_rate = self._settings.rate_at(self._steps)
        self._optimizer.apply([gradient], [self.variable])
        self._steps += 1

    def moments(self) -> None:
        """The framework keeps its own."""


def adam(variable: tf.Tensor, settings: Adam, moments: Moments | None = None) -> Textbook | Native:
    """Adam's next steps, from `moments` on in the textbook form, else from its first."""
    return Native(variable, settings) if settings.form == "native" else Textbook(variable, settings, moments)
