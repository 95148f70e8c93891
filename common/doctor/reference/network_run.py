"""The forward half of a run: pictures, the optimised variable, and every layer, as a variant computes them."""

from functools import cached_property

import numpy as np

from common.doctor.reference.case import Case
from common.doctor.reference.inputs import InputMaps, input_maps
from common.doctor.reference.layers import forward
from common.doctor.reference.pictures import resized_by
from common.doctor.reference.shapes import shape_of
from common.doctor.reference.variant import RIGHT, Variant
from common.tensors import Array, Arrays
from common.vgg19 import LAYERS, NAMES, Layer, cut

_AT = {name: LAYERS[index] for index, name in enumerate(NAMES)}


class NetworkRun:
    """Computes tensors by name; what is `given` stands in the place of what would be computed from further up."""

    def __init__(
        self, case: Case, variant: Variant, given: Arrays | None = None, like: "NetworkRun | None" = None
    ) -> None:
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
        if name.startswith("lbfgs/"):  # as many points as there are, but one at least
            point = () if name == "lbfgs/losses" else self.case.pixels.shape
            shape = (max(1, len(np.atleast_1d(array))), *point)
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
