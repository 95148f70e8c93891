"""The network on one tile of a picture: its Gram matrices, and its part of the gradient."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import tensorflow as tf

from common import tiles
from common.problem import Features, Mode, Network, Pixels
from common.tensors import Array
from common.tiles import ContentTarget
from common.vgg19 import Core, Cores
from keras_impl.arrays import device_scope, matrix_to_native, to_native, to_numpy
from keras_impl.entry import ENTRY
from keras_impl.lean import Step, evaluate
from keras_impl.losses import Maps, content_loss, gram
from keras_impl.vgg19 import Trunk

Targets = Mapping[str, tuple[tf.Tensor, float]]  # by tap: the content target in the core, and its coefficient


class TileNetwork(tiles.TileNetwork):
    """The trunk on one window at a time."""

    def __init__(self, taps: Iterable[str], network: Network, mode: Mode | None) -> None:
        self._network, self._mode = network, ENTRY.checked_tiled_mode(mode)
        with device_scope(network):
            self._trunk = Trunk(taps, network)
        self._both = self._by_pullbacks if self._mode == "lean" else self._by_tape
        self._compiled: dict[Any, Callable[..., Any]] = {}

    def maps(self, window: Pixels, cores: Cores) -> Features:
        """The feature maps (h, w, C) of the cores, by tap."""
        with device_scope(self._network):
            return {tap: to_numpy(it) for tap, it in self._at_cores(to_native(window, self._network), cores).items()}

    def grams(self, window: Pixels, cores: Cores) -> dict[str, Array]:
        """The mean Gram matrices (C, C) of the cores, by tap."""
        with device_scope(self._network):
            grams = self._in_mode(self._grams_of, cores)(to_native(window, self._network))
            return {tap: to_numpy(it) for tap, it in grams.items()}

    def gradient(
        self, window: Pixels, cores: Cores, content: Mapping[str, ContentTarget], at_grams: Mapping[str, Array]
    ) -> tuple[dict[str, float], Pixels]:
        """The content terms of the cores, and the gradient of the loss at the window, by way of the cores alone."""
        with device_scope(self._network):
            x = to_native(window, self._network)
            targets = {tap: (to_native(target.maps, self._network), target.k) for tap, target in content.items()}
            matrices = {tap: matrix_to_native(it, self._network) for tap, it in at_grams.items()}
            terms, gradient = self._in_mode(self._both, cores)(x, targets=targets, at_grams=matrices)
            return {tap: float(term) for tap, term in terms.items()}, to_numpy(gradient)

    def _in_mode(self, function: Callable[..., Any], cores: Cores) -> Callable[..., Any]:
        """A function for given cores, which are few, so that each is compiled once."""
        at_cores = partial(function, cores=cores)
        if self._mode == "eager":
            return at_cores
        key = function.__name__, tuple(cores.items())
        return self._compiled.setdefault(key, tf.function(at_cores, jit_compile=self._mode == "xla"))

    def _at_cores(self, x: tf.Tensor, cores: Cores) -> dict[str, tf.Tensor]:
        maps = self._trunk(x)
        return {tap: maps[tap][:, *core.slices] for tap, core in cores.items()}

    def _grams_of(self, x: tf.Tensor, cores: Cores) -> dict[str, tf.Tensor]:
        return {tap: gram(feature) for tap, feature in self._at_cores(x, cores).items()}

    def _by_tape(self, x: tf.Tensor, cores: Cores, targets: Targets, at_grams: Maps) -> tuple[Maps, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            maps = self._at_cores(x, cores)
            terms = {tap: content_loss(maps[tap], target, k) for tap, (target, k) in targets.items()}
            by_grams = [tf.reduce_sum(at_gram * gram(maps[tap])) for tap, at_gram in at_grams.items()]
            loss = tf.add_n([*terms.values(), *by_grams])
        return terms, tape.gradient(loss, x)

    def _by_pullbacks(self, x: tf.Tensor, cores: Cores, targets: Targets, at_grams: Maps) -> tuple[Maps, tf.Tensor]:
        content = {
            tap: partial(_content_term, target=target, k=k, core=cores[tap]) for tap, (target, k) in targets.items()
        }
        style = {tap: partial(_gram_term, at_gram=at_gram, core=cores[tap]) for tap, at_gram in at_grams.items()}
        terms, _, gradient = evaluate(self._trunk, x, content, style)
        return terms, gradient


def _content_term(feature: tf.Tensor, target: tf.Tensor, k: float, core: Core) -> Step:
    """The content term of a core and its pullback, which adds 2 k (F - F_c) there."""
    own = feature[:, *core.slices]
    return content_loss(own, target, k), lambda gradient: gradient + _around(2 * k * (own - target), core, feature)


def _gram_term(feature: tf.Tensor, at_gram: tf.Tensor, core: Core) -> Step:
    """No term, and the pullback of a core's mean Gram matrix, which adds 2 F D / M there, with D the gradient at it."""
    own = feature[:, *core.slices]

    def pullback(gradient: tf.Tensor) -> tf.Tensor:
        at_core = tf.matmul(tf.reshape(own, (-1, own.shape[-1])), 2 / core.positions * at_gram)  # (M, C)
        return gradient + _around(tf.reshape(at_core, own.shape), core, feature)

    return tf.zeros((), feature.dtype), pullback


def _around(own: tf.Tensor, core: Core, feature: tf.Tensor) -> tf.Tensor:
    """A core with zeros around, as large as the window's feature map."""
    rows, columns = feature.shape[1] - core.bottom, feature.shape[2] - core.right
    return tf.pad(own, ((0, 0), (core.top, rows), (core.left, columns), (0, 0)))
