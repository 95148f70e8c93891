"""A variant, run: every tensor of a case as the variant computes it, from what a port has handed over where it has."""

from functools import cached_property

import numpy as np

from common.doctor.arrays import Array, Arrays
from common.doctor.case import Case
from common.doctor.decisions import decided_on
from common.doctor.inputs import InputMaps, input_maps
from common.doctor.layers import backward, forward
from common.doctor.losses import gram, gram_gradient, gram_scale, handed_scales, target_scale, term_scale
from common.doctor.names import LBFGS_CHECKED, LBFGS_EVALUATIONS, tail
from common.doctor.optimizers import adam_update, lbfgs_points
from common.doctor.pictures import resized_by, saved_bytes
from common.doctor.shapes import feature_shape, shape_of
from common.doctor.total_variation import tv
from common.doctor.variant import RIGHT, Variant
from common.spec.vgg19 import LAYERS, NAMES, Layer, cut

_AT = {name: LAYERS[index] for index, name in enumerate(NAMES)}


class Run:
    """Computes tensors by name; what is `given` stands in the place of what would be computed from further up."""

    def __init__(self, case: Case, variant: Variant, given: Arrays | None = None, like: "Run | None" = None) -> None:
        """`like` is a run whose variant differs in the loss or later alone: its feature maps are taken over."""
        self.case, self.variant = case, variant
        self._network = case.network_in_its_own_unit if variant.own_unit else case.network
        self._coefficients = case.coefficients
        self._given = {name: it for name, it in (given or {}).items() if self._fits(name, it)}
        taps = case.problem.recipe.taps
        self._layers = cut([*taps, *(variant.taps.get(tap, tap) for tap in taps)])
        self._actual = {name: variant.taps.get(name, name) for name in NAMES}
        self._recorded: dict[str, list[str]] = {name: [] for name in NAMES}
        for name, actual in self._actual.items():
            self._recorded[actual].append(name)
        self._memo: dict[str, Array] = {}
        self._maps: dict[str, Array] = {} if like is None else like._maps

    def _fits(self, name: str, array: Array) -> bool:
        shape = shape_of(name, self.case, self.variant)
        return (shape is None or array.shape == shape) and bool(np.isfinite(array).all())

    def value(self, name: str) -> Array:
        """What the port has given of this name, where it has and where it fits, or what is computed."""
        given = self._given.get(name)
        return self.expected(name) if given is None else given

    def expected(self, name: str) -> Array:
        """What is computed of this name, from what is given of the others."""
        if name not in self._memo:
            kind, _, rest = name.partition("/")
            self._memo[name] = getattr(self, f"_{kind}")(rest)
        return self._memo[name]

    # From the files to the network's input.

    def _content(self, what: str) -> Array:
        return self._picture("content", what)

    def _style(self, what: str) -> Array:
        return self._picture("style", what)

    def _picture(self, role: str, what: str) -> Array:
        if what == "decoded":
            picture = self.case.content if role == "content" else self.case.style
            return picture.decoded_by(self.variant if role in self.variant.roles else RIGHT)
        right = getattr(self.case.problem, role)
        decoded = self.value(f"{role}/decoded")
        height, width = right.shape[:2]
        if role == "style" and self.variant.own_style_size:
            height, width = decoded.shape[:2]
        return resized_by(decoded, height, width, self.variant)

    @cached_property
    def maps(self) -> InputMaps:
        """RGB to the optimised variable, and the variable to the network's input."""
        return input_maps(self.case.problem, self._network.weights.preprocessing, self.variant)

    def _pixels(self, _: str) -> Array:
        return self.maps.to_pixels(np.asarray(self.case.image, np.float64)).astype(np.float32).astype(np.float64)

    def _input(self, _: str) -> Array:
        return self.maps.to_input(self.value("pixels"))

    # The network.

    def _features(self, name: str) -> Array:
        return self._computed(self._actual[name])

    def layer(self, name: str) -> Array:
        """A layer's output at the image, whatever it is recorded as."""
        given = self._recorded_as("features", name)
        return self._computed(name) if given is None else given

    def _recorded_as(self, kind: str, layer: str) -> Array | None:
        """What is given of a layer, under whichever name it was recorded."""
        names = (f"{kind}/{name}" for name in self._recorded[layer])
        return next((self._given[name] for name in names if name in self._given), None)

    def _computed(self, name: str) -> Array:
        key = f"image:{name}"
        if key not in self._maps:
            self._maps[key] = forward(_AT[name], self.below(_AT[name]), self._network, self.variant)
        return self._maps[key]

    def below(self, layer: Layer) -> Array:
        """What goes into a layer at the image."""
        index = NAMES.index(layer.name)
        return self.layer(NAMES[index - 1]) if index else self.value("input")

    def _of_picture(self, role: str, tap: str) -> Array:
        """A feature map of the content or the style picture, which is computed whole."""
        if f"{role}:{tap}" not in self._maps:
            to_pixels, to_input = self.maps.to_pixels, self.maps.to_input
            x = np.asarray(to_input(to_pixels(np.asarray(self.value(f"{role}/resized"), np.float64))))
            taps = self._coefficients.content if role == "content" else self._coefficients.style
            wanted = {self._actual[name] for name in taps}
            for layer in cut(wanted):
                x = forward(layer, x, self._network, self.variant)
                if layer.name in wanted:
                    self._maps[f"{role}:{layer.name}"] = x
        return self._maps[f"{role}:{tap}"]

    # The loss.

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
        factor = self._coefficients.tv_weight * term_scale("tv", self.variant)
        return factor * value, factor * gradient

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

    # The optimisers and the file.

    def _adam(self, rest: str) -> Array:
        step, what = int(rest.partition("/")[0]), tail(rest)
        before = "pixels" if step == 1 else f"adam/{step - 1}/pixels"
        if what == "gradient":
            return (
                self.at(self.value(before)).expected("gradient/pixels") if step > 1 else self.value("gradient/pixels")
            )
        gradients = [self.value(f"adam/{past}/gradient") for past in range(1, step + 1)]
        return self.value(before) - adam_update(gradients, self.case.adam, self.variant)

    def at(self, pixels: Array) -> "Run":
        """The same variant with the same targets at another point."""
        return Run(self.case, self.variant, {**self.targets, "pixels": pixels})

    @property
    def targets(self) -> Arrays:
        """What the loss compares with, by name."""
        content, style = self._coefficients.content, self._coefficients.style
        names = [*(f"target/content/{tap}" for tap in content), *(f"target/style/{tap}" for tap in style)]
        return {name: self.value(name) for name in names}

    def _lbfgs(self, what: str) -> Array:
        if what == "pixels":
            start, settings = self.value("pixels").ravel(), (self._asked, self.case.lbfgs, self.variant)
            return lbfgs_points(start, self._answer, *settings, self._seen).reshape(-1, *self.case.pixels.shape)
        runs = [self.at(point) for point in self.value("lbfgs/pixels")[:LBFGS_CHECKED]]
        name = "loss/total" if what == "losses" else "gradient/pixels"
        return np.stack([run.expected(name) for run in runs])

    def _seen(self, point: Array) -> Array:
        if not self.variant.clamped:
            return point.copy()
        black, white = (self.maps.to_pixels(np.full(self.case.pixels.shape, level)) for level in (0.0, 1.0))
        return np.clip(point, np.minimum(black, white).ravel(), np.maximum(black, white).ravel())

    @property
    def _asked(self) -> int:
        # As many as there may be, so that a port that stopped before is seen to have stopped.
        given = self._given.get("lbfgs/pixels")
        return max(LBFGS_EVALUATIONS, 0 if given is None else len(given))

    def _answer(self, number: int, point: Array) -> tuple[float, Array]:
        """What the port answered at this number, so that a step is judged by what it was taken from."""
        losses, gradients = self._given.get("lbfgs/losses"), self._given.get("lbfgs/gradients")
        if losses is not None and gradients is not None and number < min(len(losses), len(gradients)):
            return float(losses[number]), np.asarray(gradients[number], np.float64).ravel()
        run = self.at(point.reshape(self.case.pixels.shape))
        return float(run.expected("loss/total")), np.asarray(run.expected("gradient/pixels"), np.float64).ravel()

    def _saved(self, _: str) -> Array:
        return saved_bytes(self.case.image, self.variant.saved)
