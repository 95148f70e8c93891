"""The network on one tile of a picture: its Gram matrices, and its part of the gradient."""

from collections.abc import Iterable, Mapping
from functools import partial

import torch

from common import tiles
from common.problem import Features, Mode, Network, Pixels
from common.tensors import Array
from common.tiles import ContentTarget
from common.vgg19 import Core, Cores
from torch_impl.arrays import device_scope, matrix_to_native, to_native, to_numpy
from torch_impl.entry import ENTRY
from torch_impl.lean import Step, evaluate
from torch_impl.losses import Maps, content_loss, gram
from torch_impl.vgg19 import Trunk

Targets = Mapping[str, tuple[torch.Tensor, float]]  # by tap: the content target in the core, and its coefficient


class TileNetwork(tiles.TileNetwork):
    """The trunk on one window at a time."""

    def __init__(self, taps: Iterable[str], network: Network, mode: Mode | None) -> None:
        self._network, mode = network, ENTRY.checked_tiled_mode(mode)
        with device_scope(network):
            self._trunk = Trunk(taps, network)
        self._both = self._by_pullbacks if mode == "lean" else self._by_autograd

    def maps(self, window: Pixels, cores: Cores) -> Features:
        """The feature maps (h, w, C) of the cores, by tap."""
        with device_scope(self._network), torch.no_grad():
            return {tap: to_numpy(it) for tap, it in self._at_cores(to_native(window, self._network), cores).items()}

    def grams(self, window: Pixels, cores: Cores) -> dict[str, Array]:
        """The mean Gram matrices (C, C) of the cores, by tap."""
        with device_scope(self._network), torch.no_grad():
            maps = self._at_cores(to_native(window, self._network), cores)
            return {tap: to_numpy(gram(feature)) for tap, feature in maps.items()}

    def gradient(
        self, window: Pixels, cores: Cores, content: Mapping[str, ContentTarget], at_grams: Mapping[str, Array]
    ) -> tuple[dict[str, float], Pixels]:
        """The content terms of the cores, and the gradient of the loss at the window, by way of the cores alone."""
        with device_scope(self._network):
            x = to_native(window, self._network)
            targets = {tap: (to_native(target.maps, self._network), target.k) for tap, target in content.items()}
            matrices = {tap: matrix_to_native(at_gram, self._network) for tap, at_gram in at_grams.items()}
            terms, gradient = self._both(x, cores, targets, matrices)
            return {tap: float(term) for tap, term in terms.items()}, to_numpy(gradient)

    def _at_cores(self, x: torch.Tensor, cores: Cores) -> dict[str, torch.Tensor]:
        maps = self._trunk(x)
        return {tap: maps[tap][..., *core.slices] for tap, core in cores.items()}

    def _by_autograd(
        self, x: torch.Tensor, cores: Cores, targets: Targets, at_grams: Maps
    ) -> tuple[Maps, torch.Tensor]:
        leaf = x.requires_grad_()
        maps = self._at_cores(leaf, cores)
        terms = {tap: content_loss(maps[tap], target, k) for tap, (target, k) in targets.items()}
        by_grams = [(at_gram * gram(maps[tap])).sum() for tap, at_gram in at_grams.items()]
        (gradient,) = torch.autograd.grad(torch.stack([*terms.values(), *by_grams]).sum(), leaf)
        return {tap: term.detach() for tap, term in terms.items()}, gradient

    def _by_pullbacks(
        self, x: torch.Tensor, cores: Cores, targets: Targets, at_grams: Maps
    ) -> tuple[Maps, torch.Tensor]:
        content = {
            tap: partial(_content_term, target=target, k=k, core=cores[tap]) for tap, (target, k) in targets.items()
        }
        style = {tap: partial(_gram_term, at_gram=at_gram, core=cores[tap]) for tap, at_gram in at_grams.items()}
        with torch.no_grad():
            terms, _, gradient = evaluate(self._trunk, x, content, style)
        return terms, gradient


def _content_term(feature: torch.Tensor, target: torch.Tensor, k: float, core: Core) -> Step:
    """The content term of a core and its pullback, which adds 2 k (F - F_c) there."""
    own = feature[..., *core.slices]

    def pullback(gradient: torch.Tensor) -> torch.Tensor:
        gradient[..., *core.slices].add_(own - target, alpha=2 * k)
        return gradient

    return content_loss(own, target, k), pullback


def _gram_term(feature: torch.Tensor, at_gram: torch.Tensor, core: Core) -> Step:
    """No term, and the pullback of a core's mean Gram matrix, which adds 2 F D / M there, with D the gradient at it."""
    own = feature[0, :, *core.slices].movedim(0, -1)  # (h, w, C)

    def pullback(gradient: torch.Tensor) -> torch.Tensor:
        at_core = own.flatten(0, 1) @ (2 / core.positions * at_gram)  # (M, C)
        gradient[0, :, *core.slices].add_(at_core.view(own.shape).movedim(-1, 0))
        return gradient

    return feature.new_zeros(()), pullback
