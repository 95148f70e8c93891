"""The loss of a problem, its gradient, and feature maps, in native tensors."""

from collections.abc import Iterable
from contextlib import nullcontext
from copy import copy
from typing import Any

import jax
import jax.numpy as jnp

from common import objective
from common.images import Image
from common.objective import Recorded, Terms
from common.points import Point
from common.problem import Features, Network, Pixels, Problem
from common.recipes import Adam
from common.results import LossTerms
from jax_impl.arrays import apply_affine, device_scope, to_native, to_numpy, wait
from jax_impl.entry import ENTRY
from jax_impl.losses import gram, total, total_loss
from jax_impl.optimizers import Native, Textbook, adam
from jax_impl.vgg19 import Trunk


class Objective(objective.Objective):
    """The loss of a problem as a function of the optimized variable; the targets are computed once."""

    to_numpy = staticmethod(to_numpy)

    def __init__(self, problem: Problem) -> None:
        mode = ENTRY.checked_mode(problem.mode)
        self._network, self._to_network, self._coefficients = problem.network, problem.to_network, problem.coefficients
        self._taps, preprocess = problem.recipe.taps, self._network.weights.preprocessing.apply
        with device_scope(self._network):
            self._trunk = Trunk(self._taps, self._network)
            at_content = self._trunk(to_native(preprocess(problem.content), self._network))
            self.content = {tap: at_content[tap] for tap in self._coefficients.content}
            del at_content
            at_style = self._trunk(to_native(preprocess(problem.style), self._network))
            self.style = {tap: c.target_scale * gram(at_style[tap]) for tap, c in self._coefficients.style.items()}
        self._results: list[Any] = []
        self._mode = nullcontext if mode == "jit" else jax.disable_jit
        self._loss = jax.jit(self._loss_of)
        self._both = jax.jit(jax.value_and_grad(self._loss_of, has_aux=True))

    def scope(self) -> objective.Scope:
        """The context in which tensors are made and computed on the network's device, in its arithmetic."""
        return device_scope(self._network)

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        # JAX answers before it has computed, and whoever asks may drop the answer.
        jax.block_until_ready(self._results)  # type: ignore[no-untyped-call]
        self._results.clear()
        wait(self._network)

    def variable(self, pixels: Pixels) -> jax.Array:
        """An array (H, W, C) as a native tensor on the network's device."""
        with self.scope():
            return to_native(pixels, self._network)

    def to_floats(self, scalars: list[jax.Array]) -> list[float]:
        """Native scalars as Python floats, fetched from the device at once."""
        return [float(scalar) for scalar in jax.device_get(scalars)]

    def terms(self, variable: jax.Array) -> Terms:
        """Every loss term at the optimized variable."""
        return self._loss_of(variable, self._given())[1]

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term from a forward pass in the framework's eager mode, for the optimized variable as an array."""
        with self.scope():
            return self.numbers(self.terms(self.variable(pixels)))

    def forward_terms(self, variable: jax.Array) -> Terms:
        """Every loss term from a forward pass in the problem's mode, with nothing kept for a gradient."""
        with self.scope(), self._mode():
            terms = self._in_order(self._loss(variable, self._given())[1])
        self._results.append(terms)
        return terms

    def terms_and_gradient(self, variable: jax.Array) -> tuple[Terms, jax.Array]:
        """Every loss term, and the gradient of their sum, from one forward and one backward pass in its mode."""
        with self.scope(), self._mode():
            (_, terms), gradient = self._both(variable, self._given())
        self._results.append(gradient)
        return self._in_order(terms), gradient

    def adam(self, start: Point, settings: Adam) -> Textbook | Native:
        """Adam's next steps: from the start's moments on in the textbook form, else from its first."""
        with self.scope():
            return adam(to_native(start.pixels, self._network), settings, start.moments)

    def recorded(self, variable: jax.Array, layers: Iterable[str]) -> Recorded:
        """The tensors of one forward and one backward pass, with the feature maps of `layers` and the taps."""
        with self.scope():
            trunk = Trunk([*layers, *self._taps], self._network)

            def loss(variable: jax.Array, nudges: dict[str, jax.Array]) -> tuple[jax.Array, Any]:
                network_input = apply_affine(variable, self._to_network)
                trunk.nudges = nudges
                features = trunk(network_input)
                terms = total_loss(features, variable, self.content, self.style, self._coefficients)
                return total(terms), (network_input, features, terms)

            shapes = jax.eval_shape(trunk, variable)
            nudges = {tap: jnp.zeros(it.shape, it.dtype) for tap, it in shapes.items()}
            (_, found), gradients = jax.value_and_grad(loss, (0, 1), has_aux=True)(variable, nudges)
            (network_input, features, terms), (at_pixels, at_taps) = found, gradients
            features = {name: features[name] for name in dict.fromkeys([*layers, *self._taps])}
            grams, at_taps = {tap: gram(features[tap]) for tap in self.style}, {tap: at_taps[tap] for tap in self._taps}
        return Recorded(network_input, features, grams, self._in_order(terms), at_taps, at_pixels)

    def _in_order(self, terms: Terms) -> Terms:
        # JAX sorts the keys of the dicts that leave a function which it transforms.
        content = {tap: terms.content[tap] for tap in self._coefficients.content}
        return Terms(content, {tap: terms.style[tap] for tap in self._coefficients.style}, terms.tv)

    def _given(self) -> tuple[Any, ...]:
        # What a compiled function is given as arguments: as constants of its code they would be copied, and folded.
        return self._trunk.parameters, self.content, self.style

    def _loss_of(self, variable: jax.Array, given: tuple[Any, ...]) -> tuple[jax.Array, Terms]:
        trunk = copy(self._trunk)
        trunk.parameters, content, style = given
        features = trunk(apply_affine(variable, self._to_network))
        terms = total_loss(features, variable, content, style, self._coefficients)
        return total(terms), terms


def features(image: Image, taps: Iterable[str], network: Network) -> Features:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3)."""
    with device_scope(network):
        native = Trunk(taps, network)(to_native(network.weights.preprocessing.apply(image), network))
        return {tap: to_numpy(feature) for tap, feature in native.items()}
