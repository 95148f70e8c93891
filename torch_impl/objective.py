"""The loss of a problem, its gradient, and feature maps, in native tensors."""

from collections.abc import Iterable

import torch

from common import objective
from common.images import Image
from common.objective import Recorded, Terms
from common.points import Point
from common.problem import Features, Network, Pixels, Problem
from common.recipes import Adam
from common.results import LossTerms
from torch_impl.arrays import apply_affine, device_scope, to_native, to_numpy, wait
from torch_impl.entry import ENTRY
from torch_impl.lean import evaluate, terms_by_tap
from torch_impl.losses import gram, total, total_loss, tv_loss
from torch_impl.optimizers import Native, Textbook, adam
from torch_impl.vgg19 import Trunk


class Objective(objective.Objective):
    """The loss of a problem as a function of the optimized variable; the targets are computed once."""

    to_numpy = staticmethod(to_numpy)

    def __init__(self, problem: Problem) -> None:
        mode = ENTRY.checked_mode(problem.mode)
        self._network, self._to_network, self._coefficients = problem.network, problem.to_network, problem.coefficients
        self._taps, preprocess = problem.recipe.taps, self._network.weights.preprocessing.apply
        with device_scope(self._network), torch.no_grad():
            self._trunk = Trunk(self._taps, self._network)
            at_content = self._trunk(to_native(preprocess(problem.content), self._network))
            self.content = {tap: at_content[tap] for tap in self._coefficients.content}
            del at_content
            at_style = self._trunk(to_native(preprocess(problem.style), self._network))
            self.style = {tap: c.target_scale * gram(at_style[tap]) for tap, c in self._coefficients.style.items()}
        self._terms = torch.compile(self.terms, dynamic=False) if mode == "compiled" else self.terms
        self._both = self._by_pullbacks if mode == "lean" else self._by_autograd

    def scope(self) -> objective.Scope:
        """The context in which tensors are made and computed on the network's device, in its arithmetic."""
        return device_scope(self._network)

    def wait(self) -> None:
        """Return when the device has done all that it was given."""
        wait(self._network)

    def variable(self, pixels: Pixels) -> torch.Tensor:
        """An array (H, W, C) as a native tensor on the network's device."""
        with self.scope():
            return to_native(pixels, self._network)

    def to_floats(self, scalars: list[torch.Tensor]) -> list[float]:
        """Native scalars as Python floats, fetched from the device at once."""
        return torch.stack(scalars).detach().double().tolist()

    def terms(self, variable: torch.Tensor) -> Terms:
        """Every loss term at the optimized variable."""
        features = self._trunk(apply_affine(variable, self._to_network))
        return total_loss(features, variable, self.content, self.style, self._coefficients)

    def loss_terms(self, pixels: Pixels) -> LossTerms:
        """Every loss term from a forward pass in the framework's eager mode, for the optimized variable as an array."""
        with self.scope(), torch.no_grad():
            return self.numbers(self.terms(self.variable(pixels)))

    def forward_terms(self, variable: torch.Tensor) -> Terms:
        """Every loss term from a forward pass in the problem's mode, with nothing kept for a gradient."""
        with self.scope(), torch.no_grad():
            return self._terms(variable)

    def terms_and_gradient(self, variable: torch.Tensor) -> tuple[Terms, torch.Tensor]:
        """Every loss term, and the gradient of their sum, from one forward and one backward pass in its mode."""
        with self.scope():
            return self._both(variable)

    def adam(self, start: Point, settings: Adam) -> Textbook | Native:
        """Adam's next steps: from the start's moments on in the textbook form, else from its first."""
        with self.scope():
            return adam(to_native(start.pixels, self._network), settings, start.moments)

    def recorded(self, variable: torch.Tensor, layers: Iterable[str]) -> Recorded:
        """The tensors of one forward and one backward pass, with the feature maps of `layers` and the taps."""
        with self.scope():
            leaf = variable.detach().requires_grad_()
            network_input = apply_affine(leaf, self._to_network)
            features = Trunk([*layers, *self._taps], self._network)(network_input)
            terms = total_loss(features, leaf, self.content, self.style, self._coefficients)
            *at_taps, at_pixels = torch.autograd.grad(total(terms), [*(features[tap] for tap in self._taps), leaf])
            grams = {tap: gram(features[tap]) for tap in self.style}
        return Recorded(network_input, features, grams, terms, dict(zip(self._taps, at_taps, strict=True)), at_pixels)

    def _by_autograd(self, variable: torch.Tensor) -> tuple[Terms, torch.Tensor]:
        leaf = variable.detach().requires_grad_()
        terms = self._terms(leaf)
        (gradient,) = torch.autograd.grad(total(terms), leaf)
        return terms, gradient

    def _by_pullbacks(self, variable: torch.Tensor) -> tuple[Terms, torch.Tensor]:
        leaf = variable.detach().requires_grad_()
        network_input = apply_affine(leaf, self._to_network)
        with torch.no_grad():
            terms = terms_by_tap(self.content, self.style, self._coefficients)
            content, style, at_input = evaluate(self._trunk, network_input, *terms)
        tv = self._coefficients.tv_weight * tv_loss(leaf, self._coefficients.tv_form)
        (gradient,) = torch.autograd.grad((network_input * at_input).sum() + tv, leaf)
        return Terms(content, style, tv), gradient


def features(image: Image, taps: Iterable[str], network: Network) -> Features:
    """Feature maps of shape (H, W, C) by tap, for RGB in [0, 1] of shape (H, W, 3)."""
    with device_scope(network), torch.no_grad():
        native = Trunk(taps, network)(to_native(network.weights.preprocessing.apply(image), network))
        return {tap: to_numpy(feature) for tap, feature in native.items()}
