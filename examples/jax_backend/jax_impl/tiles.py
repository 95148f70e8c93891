"""The network on one tile of a picture: its Gram matrices, and its part of the gradient."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from copy import copy
from typing import Any

import jax
import jax.numpy as jnp

from common import tiles
from common.problem import Features, Mode, Network, Pixels
from common.tensors import Array
from common.tiles import ContentTarget
from common.vgg19 import Core, Cores
from jax_impl.arrays import device_scope, matrix_to_native, to_native, to_numpy
from jax_impl.entry import ENTRY
from jax_impl.losses import Maps, content_loss, gram
from jax_impl.vgg19 import Trunk

Static = tuple[tuple[str, Core], ...]  # the cores, as what a function is compiled for


class TileNetwork(tiles.TileNetwork):
    """The trunk on one window at a time."""

    def __init__(self, taps: Iterable[str], network: Network, mode: Mode | None) -> None:
        self._network = network
        self._mode = nullcontext if ENTRY.checked_tiled_mode(mode) == "jit" else jax.disable_jit
        with device_scope(network):
            self._trunk = Trunk(taps, network)
        self._grams = jax.jit(self._grams_of, static_argnames="cores")
        self._both = jax.jit(jax.value_and_grad(self._loss_of, has_aux=True), static_argnames="cores")

    def maps(self, window: Pixels, cores: Cores) -> Features:
        """The feature maps (h, w, C) of the cores, by tap."""
        with device_scope(self._network):
            maps = self._at_cores(to_native(window, self._network), self._trunk.parameters, _static(cores))
            return {tap: to_numpy(maps[tap]) for tap in cores}

    def grams(self, window: Pixels, cores: Cores) -> dict[str, Array]:
        """The mean Gram matrices (C, C) of the cores, by tap."""
        with device_scope(self._network), self._mode():
            grams = self._grams(to_native(window, self._network), self._trunk.parameters, cores=_static(cores))
            return {tap: to_numpy(grams[tap]) for tap in cores}

    def gradient(
        self, window: Pixels, cores: Cores, content: Mapping[str, ContentTarget], at_grams: Mapping[str, Array]
    ) -> tuple[dict[str, float], Pixels]:
        """The content terms of the cores, and the gradient of the loss at the window, by way of the cores alone."""
        with device_scope(self._network), self._mode():
            x = to_native(window, self._network)
            targets = {tap: (to_native(target.maps, self._network), target.k) for tap, target in content.items()}
            matrices = {tap: matrix_to_native(at_gram, self._network) for tap, at_gram in at_grams.items()}
            given = self._trunk.parameters, targets, matrices
            (_, terms), gradient = self._both(x, *given, cores=_static(cores))
            return {tap: float(terms[tap]) for tap in content}, to_numpy(gradient)

    def _at_cores(self, x: jax.Array, parameters: Any, cores: Static) -> dict[str, jax.Array]:
        trunk = copy(self._trunk)
        trunk.parameters = parameters
        maps = trunk(x)
        return {tap: maps[tap][:, *core.slices] for tap, core in cores}

    def _grams_of(self, x: jax.Array, parameters: Any, cores: Static) -> dict[str, jax.Array]:
        return {tap: gram(feature) for tap, feature in self._at_cores(x, parameters, cores).items()}

    def _loss_of(
        self, x: jax.Array, parameters: Any, targets: Any, at_grams: Maps, cores: Static
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        maps = self._at_cores(x, parameters, cores)
        terms = {tap: content_loss(maps[tap], target, k) for tap, (target, k) in targets.items()}
        by_grams = [(at_gram * gram(maps[tap])).sum() for tap, at_gram in at_grams.items()]
        return jnp.stack([*terms.values(), *by_grams]).sum(), terms


def _static(cores: Cores) -> Static:
    return tuple(cores.items())
