"""A variant, run: every tensor of a case by name, each computed by the function that is registered for its kind.

`@computes("gram")` stands before the function of the Gram matrices, and so on, in evaluation.py and optimizers.py.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np

from common.oracle.case import Case, fits
from common.oracle.inputs import InputMaps, input_maps
from common.oracle.layers import below, forward, outputs_at
from common.oracle.variant import RIGHT, OwnUnit, Variant
from common.recipes import Coefficients, Tap, coefficients_of
from common.tensors import Array, Arrays, TensorName, tensor_names
from common.vgg19 import NAMES, Layer, Weights, cut, layer

Function = Callable[["Run", TensorName], Array]
_FUNCTIONS: dict[str, Function] = {}


def computes(*kinds: str) -> Callable[[Function], Function]:
    """Register a function of a run and a name for some kinds of tensors."""

    def register(function: Function) -> Function:
        _FUNCTIONS.update(dict.fromkeys(kinds, function))
        return function

    return register


@lru_cache(maxsize=8)
def _in_unit(weights: Weights, of_file: Weights, own_unit: OwnUnit) -> Weights:
    """The network's weights, in the unit of the recipe's family; or as in their file, in whole or in part."""
    if own_unit == "input":
        return replace(weights, preprocessing=of_file.preprocessing)
    if own_unit == "biases":
        return replace(weights, biases=of_file.biases)
    return weights if own_unit == "no" else of_file


class Run:
    """Computes tensors by name when they are asked for, each once.

    What a port has `given` under a name stands in the place of what would be computed, so that every tensor can be
    judged by what it was computed from. Arrays of a wrong shape, or with values that are not finite, are ignored.
    """

    def __init__(
        self,
        case: Case,
        variant: Variant = RIGHT,
        given: Arrays | None = None,
        like: "Run | None" = None,
        differs_from: str | None = None,
    ) -> None:
        """`like` is a run of the same case and tensors: its feature maps before `differs_from` are taken over.

        Without `differs_from` both runs share them.
        """
        self.case, self.variant, problem = case, variant, case.problem
        self.taps = problem.recipe.taps
        weights = _in_unit(problem.network.weights, problem.weights, variant.own_unit)
        self.network = replace(problem.network, weights=weights)
        self.layer_of = {name: variant.taps.get(name, name) for name in NAMES}  # by tap
        self.recorded = {name: variant.recorded.get(name, name) for name in NAMES}  # the layer, by a map's name
        self.depth = len(cut([*self.taps, *(self.layer_of[tap] for tap in self.taps)]))
        self.gradients: dict[str, Array] = {}
        self.at_points: dict[bytes, dict[str, Array]] = {}  # by the point's bytes, then by the tensor's name
        self.given = {name: array for name, array in (given or {}).items() if fits(name, array, case, variant)}
        self._computed: dict[str, Array] = {}
        self._maps: dict[str, Array] = {} if like is None else like._maps_before(differs_from)

    def _maps_before(self, layer: str | None) -> dict[str, Array]:
        """The feature maps of the layers before one, or, shared, of all layers."""
        if layer is None:
            return self._maps
        end = NAMES.index(layer)
        return {key: feature for key, feature in self._maps.items() if NAMES.index(key.split("/")[1]) < end}

    @cached_property
    def coefficients(self) -> Coefficients:
        """The factors of the terms: those of the recipe's taps, or of the maps as they are."""
        problem = self.case.problem
        if not self.variant.own_sizes:
            return problem.coefficients
        height, width, _ = problem.content.shape
        taps = {}
        for tap in self.taps:
            rows, columns, channels = self.feature(tap).shape
            style = self.layer_of_picture("style", self.layer_of[tap]).shape
            taps[tap] = Tap(channels, rows * columns, style[0] * style[1], height * width)
        return coefficients_of(problem.recipe, taps)

    def expected(self, name: str) -> Array:
        """What is computed under a name, from what is given under the others."""
        if name not in self._computed:
            parsed = TensorName.parse(name)
            self._computed[name] = _FUNCTIONS[parsed.kind](self, parsed)
        return self._computed[name]

    def value(self, name: str) -> Array:
        """What the port has given under a name, or what is computed."""
        return self.given[name] if name in self.given else self.expected(name)

    def but(self, given: Arrays) -> "Run":
        """The same run with other tensors given under some names."""
        return type(self)(self.case, self.variant, {**self.given, **given})

    def at(self, pixels: Array) -> "Run":
        """The same variant with the same targets at another point."""
        return type(self)(self.case, self.variant, {**self.targets, "pixels": pixels})

    def at_step(self, step: int) -> "Run":
        """The run at the point that one of Adam's steps, counted from 1, is taken from."""
        return self if step == 1 else self.at(self.value(TensorName("adam/pixels", step=step).stepped_from))

    @property
    def targets(self) -> Arrays:
        """What the loss compares with, by name."""
        return {name: self.value(name) for name in tensor_names(self.case.problem) if name.startswith("target/")}

    @property
    def terms(self) -> dict[str, float]:
        """The terms of the loss that are summed, by name without `loss/`."""
        names = (name for name in tensor_names(self.case.problem) if name.startswith("loss/") and name != "loss/total")
        return {name.removeprefix("loss/"): float(self.value(name)) for name in names}

    @cached_property
    def maps(self) -> InputMaps:
        """RGB to the optimized variable, and the variable to the network's input."""
        return input_maps(self.case.problem, self.network.weights.preprocessing, self.variant)

    def layer(self, name: str) -> Array:
        """A layer's output at the image, as given or as computed; `name` is the layer's own."""
        given = self.given_of("features", name)
        return self.computed_layer(name) if given is None else given

    def feature(self, tap: str) -> Array:
        """The feature map at a tap, as given or as computed."""
        return self.layer(self.layer_of[tap]) if self.variant.own_names else self.value(f"features/{tap}")

    def computed_layer(self, name: str) -> Array:
        """A layer's output at the image, computed from its input."""
        key = f"image/{name}"
        if key not in self._maps:
            row = layer(name)
            self._maps[key] = forward(row, self.below(row), self.network, self.variant)
        return self._maps[key]

    def below(self, layer: Layer) -> Array:
        """What goes into a layer at the image."""
        return self.value("input") if layer.name == NAMES[0] else self.layer(below(layer))

    def layer_of_picture(self, role: str, name: str) -> Array:
        """A layer's output for the content or the style picture.

        All layers of a small picture are kept, for runs that differ from some layer on. Of a large picture they would
        fill the memory, so that those alone are kept which are targets; they are computed at once.
        """
        key = f"{role}/{name}"
        if key not in self._maps and self.case.is_small:
            row = layer(name)
            x = self._input_of_picture(role) if name == NAMES[0] else self.layer_of_picture(role, below(row))
            self._maps[key] = forward(row, x, self.network, self.variant)
        elif key not in self._maps:
            wanted = {name, *(self.layer_of[tap] for tap in getattr(self.case.problem.coefficients, role))}
            at_layers = outputs_at(wanted, self._input_of_picture(role), self.network, self.variant)
            self._maps.update({f"{role}/{at}": output for at, output in at_layers.items()})
        return self._maps[key]

    def _input_of_picture(self, role: str) -> Array:
        resized = np.asarray(self.value(f"{role}/resized"), np.float64)
        maps = input_maps(self.case.problem, self.network.weights.preprocessing, self.variant, role)
        return np.asarray(maps.to_input(maps.to_pixels(resized)))

    def given_of(self, kind: str, layer: str) -> Array | None:
        """What is given of a layer, under whichever name it was recorded."""
        names = (f"{kind}/{name}" for name, recorded in self.recorded.items() if recorded == layer)
        return next((self.given[name] for name in names if name in self.given), None)
