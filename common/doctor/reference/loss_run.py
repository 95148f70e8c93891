"""The loss of a run, and its gradient: the terms at the taps, and what comes back through the layers."""

from functools import cached_property

import numpy as np

from common.doctor.reference.decisions import decided_on
from common.doctor.reference.layers import backward
from common.doctor.reference.losses import gram, gram_gradient, gram_scale, handed_scales, target_scale, term_scale
from common.doctor.reference.network_run import NetworkRun
from common.doctor.reference.shapes import feature_shape
from common.doctor.reference.total_variation import tv, tv_slopes
from common.tensors import Array, Arrays
from common.vgg19 import LAYERS, NAMES, Layer


class LossRun(NetworkRun):
    """Adds Gram matrices, targets, terms, and the gradient at every layer and at the variable."""

    def _gram(self, tap: str) -> Array:
        feature = self.value(f"features/{tap}")
        return self._handed(tap)[0] * gram_scale(feature.shape, self.variant) * gram(feature, self.variant)

    def _handed(self, tap: str) -> tuple[float, float]:
        """By what the port hands over a Gram matrix and its target larger than its loss takes them."""
        problem, t = self.case.problem, self._coefficients.style[tap].target_scale
        image, style = (feature_shape(tap, it.shape, self.variant) for it in (problem.content, problem.style))
        return handed_scales(t, image, style, self.variant)

    def _style_difference(self, tap: str) -> Array:
        gram_by, target_by = self._handed(tap)
        return np.asarray(self.value(f"gram/{tap}") / gram_by - self.value(f"target/style/{tap}") / target_by)

    def _target(self, rest: str) -> Array:
        role, tap = rest.split("/")
        feature = self._of_picture(role, self._actual[tap])
        if role == "content":
            return feature
        scale = self._coefficients.style[tap].target_scale
        extent = self.value(f"features/{tap}").shape
        factor = self._handed(tap)[1] * target_scale(scale, tap, extent, feature.shape, self.variant)
        return factor * gram(feature, self.variant)

    @property
    def targets(self) -> Arrays:
        """What the loss compares with, by name."""
        content, style = self._coefficients.content, self._coefficients.style
        names = [*(f"target/content/{tap}" for tap in content), *(f"target/style/{tap}" for tap in style)]
        return {name: self.value(name) for name in names}

    def _loss(self, rest: str) -> Array:
        kind, _, tap = rest.partition("/")
        if kind == "total":
            names = [f"loss/{name}" for name in self.terms]
            return np.asarray(sum(float(self.value(name)) for name in names))
        if kind == "tv":
            return np.asarray(self._tv[0])
        if kind == "content":
            k, difference = self._coefficients.content[tap], self._content_difference(tap)
        else:
            k, difference = self._coefficients.style[tap].k, self._style_difference(tap)
        return np.asarray(term_scale(rest, self.variant) * k * np.sum(difference**2))

    def _content_difference(self, tap: str) -> Array:
        return np.asarray(self.value(f"features/{tap}") - self.value(f"target/content/{tap}"))

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """The names of the loss terms that are summed."""
        content = (f"content/{tap}" for tap in self._coefficients.content)
        style = (f"style/{tap}" for tap in self._coefficients.style)
        return (*content, *style, *(["tv"] if self._coefficients.tv_form != "none" else []))

    @cached_property
    def _tv(self) -> tuple[float, Array]:
        value, gradient = tv(self.value("pixels"), self.case.problem, self.variant)
        return self._tv_factor * value, self._tv_factor * gradient

    @property
    def _tv_factor(self) -> float:
        return self._coefficients.tv_weight * term_scale("tv", self.variant)

    @property
    def tv_slopes(self) -> tuple[Array, Array] | None:
        """What a difference of neighbours adds to the gradient but for its sign, by axis; None where it is smooth."""
        slopes = tv_slopes(self.value("pixels").shape, self.case.problem, self.variant)
        return None if slopes is None else (self._tv_factor * slopes[0], self._tv_factor * slopes[1])

    # The gradient: that of the sum of all terms with respect to a tap, through everything that follows it.

    def _gradient(self, rest: str) -> Array:
        if rest != "pixels":
            return self._gradient_at(self._actual[rest.partition("/")[2]])
        at_input = self._through(self._layers[0]) if self._layers else np.zeros_like(self.value("input"))
        gradient = self.maps.pull_back(at_input) + self._tv[1]
        if self.variant.flat_chw:
            return np.ascontiguousarray(gradient.transpose(2, 0, 1)).reshape(gradient.shape)
        return gradient

    def _gradient_at(self, name: str) -> Array:
        """At a layer's output: its own terms, and what comes back from the next layer."""
        key = f"gradient:{name}"
        if key not in self._memo:
            direct = sum((self._direct(tap) for tap in self._taps_at(name)), np.zeros(self.layer(name).shape))
            index = NAMES.index(name) + 1
            deepest = index >= len(self._layers)
            self._memo[key] = direct if deepest else direct + self._through(LAYERS[index])
        return self._memo[key]

    def _through(self, layer: Layer) -> Array:
        """The gradient at a layer's input."""
        given = self._recorded_as("gradient/features", layer.name)
        gradient = self._gradient_at(layer.name) if given is None else given
        decided = None if layer.kind == "conv" else self.layer(decided_on(layer))
        return backward(layer, gradient, decided, self._network, self.variant)

    def _taps_at(self, name: str) -> list[str]:
        taps = self.case.problem.recipe.taps
        return [tap for tap in taps if self._actual[tap] == name]

    def _direct(self, tap: str) -> Array:
        feature = np.asarray(self.value(f"features/{tap}"), np.float64)
        gradient = np.zeros_like(feature)
        if tap in self._coefficients.content:
            factor = 2 * self._coefficients.content[tap] * term_scale(f"content/{tap}", self.variant)
            gradient += factor * self._content_difference(tap)
        if tap in self._coefficients.style:
            factor = self._coefficients.style[tap].k * term_scale(f"style/{tap}", self.variant)
            of_gram = gram_gradient(feature, self._style_difference(tap), self.variant)
            gradient += factor * gram_scale(feature.shape, self.variant) * of_gram
        return gradient
