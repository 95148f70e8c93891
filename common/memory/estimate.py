"""The peak resident memory of a transfer on a CPU, from the layer table, which is walked forward and backward."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from common.entry import Entry
from common.footprint import Keeps
from common.images import extent_for, extent_of
from common.problem import Precision, Problem, SizePx, sizes_at
from common.recipes import LBFGS, Recipe, Size, Stage, with_size
from common.vgg19 import Layer, cut, layer, shape_at, window_px

_IMAGE_BYTES = 12  # of a pixel of an image: three values of float32
_LBFGS_VECTORS = 8  # of SciPy and of its evaluator, in float64, beside two for each step in its memory
_ORACLE_BASE_BYTES = 350e6
_TILED_VECTORS = 6  # the network's input as an array, its gradient, that of the variable, and the total variation's
_ADAM_VECTORS = 6  # the variable, its input, the last gradient, two moments, a step


@dataclass(frozen=True)
class Transfer:
    """A transfer as far as its memory goes; the sizes in pixels are those of the pictures before they are resized.

    The mode None is the backend's first, and the tile None is no tiles.
    """

    entry: Entry
    recipe: Recipe
    content_px: SizePx
    style_px: SizePx
    precision: Precision = "float32"
    mode: str | None = None
    tile_px: int | None = None

    @classmethod
    def of(cls, entry: Entry, problem: Problem) -> "Transfer":
        """The transfer that a problem asks for, whose images are not resized yet."""
        sizes_px = extent_of(problem.content), extent_of(problem.style)
        return cls(entry, problem.recipe, *sizes_px, problem.precision, problem.mode, problem.tile_px)

    def at(self, size: Size) -> "Transfer":
        """The same transfer at another size."""
        return replace(self, recipe=with_size(self.recipe, size))

    @property
    def largest_px(self) -> SizePx:
        """The height and width of the picture in its largest stage."""
        return max((self._sizes_at(stage)[0] for stage in self.recipe.stages), key=_area)

    @property
    def peak_bytes(self) -> float:
        """The estimate: what the process takes in any case, and the share of the stage that takes most."""
        pictures = _IMAGE_BYTES * (_area(self.content_px) + _area(self.style_px))
        fixed = self.entry.footprint.base_bytes + self._keeps.compiler_bytes + pictures
        weights = sum(9 * row.in_channels * row.out_channels for row in cut(self.recipe.taps) if row.kind == "conv")
        return fixed + self._layer_bytes * weights + max(map(self._stage_bytes, self.recipe.stages))

    def _stage_bytes(self, stage: Stage) -> float:
        """Pictures, targets, the vectors of the optimizer, and the pass that takes most."""
        at_content_px, at_style_px = self._sizes_at(stage)
        pixels, taps = _area(at_content_px), self.recipe.taps
        pictures = _IMAGE_BYTES * (2 * pixels + _area(at_style_px))  # with the picture that the stage starts from
        targets = self._value_bytes * sum(_values(layer(tap), at_content_px) for tap in self.recipe.content_taps)
        content_window_px, style_window_px = (window_px(px, self.tile_px, taps) for px in (at_content_px, at_style_px))
        forward, style = (self._forward_bytes(px) for px in (content_window_px, style_window_px))
        passes = max(forward, targets + style, targets + self._evaluation_bytes(content_window_px))
        if content_window_px != at_content_px:
            pictures += _TILED_VECTORS * 3 * self._value_bytes * pixels
        return pictures + self._optimizer_bytes(stage, pixels) + self.entry.footprint.slack * passes

    def _sizes_at(self, stage: Stage) -> tuple[SizePx, SizePx]:
        return sizes_at(self.recipe, stage, self.content_px, self.style_px)

    def _optimizer_bytes(self, stage: Stage, pixels: int) -> float:
        optimizer = stage.optimizer
        if isinstance(optimizer, LBFGS):
            vectors = 2 * min(optimizer.memory, stage.steps) + _LBFGS_VECTORS
            return 3 * pixels * (8 * vectors + 2 * self._value_bytes)
        return 3 * pixels * self._value_bytes * _ADAM_VECTORS

    def _forward_bytes(self, image_px: SizePx) -> float:
        """The most that the feature maps take in a pass that keeps the taps alone."""
        footprint, size = self.entry.footprint, self._layer_bytes
        peak = kept = 0.0
        input_is_kept = False
        for row, inputs, outputs in _walk(self.recipe.taps, image_px):
            is_conv, is_tap = row.kind == "conv", row.name in self.recipe.taps
            step = outputs * (footprint.forward_maps if is_conv else 1) + inputs * self._columns(footprint.columns, row)
            peak = max(peak, kept + size * (step + inputs * (not input_is_kept)))
            kept += self._value_bytes * outputs * is_tap
            input_is_kept = is_tap
        return peak

    def _evaluation_bytes(self, image_px: SizePx) -> float:
        """The most that the feature maps take in a forward and a backward pass; the peak is on the way back."""
        keeps, size, rows = self._keeps, self._layer_bytes, list(_walk(self.recipe.taps, image_px))
        kept = sum(self._kept_bytes(row, outputs) for row, _, outputs in rows)
        at_taps = {row.name: self._value_bytes * outputs for row, _, outputs in rows if row.name in self.recipe.taps}
        waiting = at_taps if keeps.term_maps else {}
        largest = max((at_taps[tap] for tap in self.recipe.style_taps), default=0)
        peak = kept + sum(waiting.values()) + max(keeps.term_maps - 1, 0) * largest
        maps = {"conv": keeps.conv_maps, "pool": keeps.pool_maps, "relu": 1.0}
        for row, inputs, outputs in reversed(rows):
            waiting.pop(row.name, None)  # from here on a part of the gradient
            step = outputs + inputs * (maps[row.kind] + self._columns(keeps.columns, row))
            peak = max(peak, kept + sum(waiting.values()) + size * step)
            kept -= self._kept_bytes(row, outputs)
        return peak

    def _kept_bytes(self, row: Layer, values: int) -> float:
        """What a layer keeps for the backward pass: its output, or where its gradient goes, and what its terms need."""
        keeps, kept_bytes = self._keeps, 0.0
        if row.kind != "conv":
            own_bytes = keeps.relu_bytes if row.kind == "relu" else keeps.pool_bytes
            kept_bytes = values * (self._layer_bytes * keeps.maps + own_bytes)
        if row.name in self.recipe.taps and (row.kind == "conv" or not keeps.maps):
            kept_bytes += self._value_bytes * values
        if row.name in self.recipe.content_taps:
            kept_bytes += self._value_bytes * values * keeps.maps  # the difference from the target
        return kept_bytes

    def _columns(self, columns: float, row: Layer) -> float:
        return columns if row.kind == "conv" and self.precision == "float64" else 0.0

    @property
    def _keeps(self) -> Keeps:
        return self.entry.footprint.of_mode(self.entry.checked_mode(self.mode))

    @property
    def _value_bytes(self) -> int:
        """Of a value of images, feature maps at the taps, and gradients there."""
        return 8 if self.precision == "float64" else 4

    @property
    def _layer_bytes(self) -> int:
        """Of a value inside the layers."""
        return 2 if self.precision == "bfloat16" else self._value_bytes


@dataclass(frozen=True)
class OracleRun:
    """The oracle in this process, in float64, which keeps the outputs of all layers `copies` times."""

    recipe: Recipe
    content_px: SizePx
    copies: float

    def at(self, size: Size) -> "OracleRun":
        """The same run at another size."""
        return replace(self, recipe=with_size(self.recipe, size))

    @property
    def largest_px(self) -> SizePx:
        """The height and width of the last stage's picture."""
        return extent_for(self.recipe.stages[-1].size, *self.content_px)

    @property
    def peak_bytes(self) -> float:
        """The estimate: what the process takes in any case, and the outputs of the layers."""
        values = sum(outputs for _, _, outputs in _walk(self.recipe.taps, self.largest_px))
        return _ORACLE_BASE_BYTES + 8 * self.copies * values


def _walk(taps: Collection[str], image_px: SizePx) -> Iterator[tuple[Layer, int, int]]:
    """Every layer down to the deepest tap, with the number of values that go in and that come out."""
    inputs = 3 * _area(image_px)
    for row in cut(taps):
        outputs = _values(row, image_px)
        yield row, inputs, outputs
        inputs = outputs


def _values(row: Layer, image_px: SizePx) -> int:
    return math.prod(shape_at(row.name, image_px))


def _area(size_px: SizePx) -> int:
    return math.prod(size_px)
