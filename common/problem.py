"""What a backend is given: the network, and the problem that it minimises."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from common.errors import RosettaError
from common.images import Image, extent_for, extent_of, resize
from common.machine import lacks_bfloat16
from common.recipes import Coefficients, Recipe, Stage, coefficients
from common.vgg19 import Affine, Pooling, Weights, affine_between, check_tile

Precision = Literal["float32", "float64", "bfloat16", "tf32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
SizePx = tuple[int, int]  # height and width
Mode = str  # the name of an execution mode; every backend registers its own
Dtype = Literal["float32", "float64"]
DEVICE = re.compile(r"cpu|mps|(?:gpu|cuda)(?::(\d{1,4}))?")
Pixels = NDArray[Any]
Features = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Network:
    """A trained VGG-19 and the arithmetic to run it in; `device` is `cpu`, `gpu`, `gpu:1`, or Apple's `mps`.

    `bfloat16` is the arithmetic of the layers alone: images, losses and gradient are float32, as with `tf32`.
    """

    weights: Weights
    pooling: Pooling = "max"
    precision: Precision = "float32"
    device: str = "cpu"

    @property
    def dtype(self) -> Dtype:
        """The type of images, the optimized variable, feature maps at the taps, losses and gradient."""
        return "float64" if self.precision == "float64" else "float32"

    @property
    def layer_dtype(self) -> Dtype | Literal["bfloat16"]:
        """The type that the layers compute in."""
        return "bfloat16" if self.precision == "bfloat16" else self.dtype

    @property
    def device_kind_and_index(self) -> tuple[str, int]:
        """`cpu`, `mps` or `gpu`, and its number; raise RosettaError for a name that is none of them."""
        found = DEVICE.fullmatch(self.device)
        if not found:
            raise RosettaError(f"there is no device {self.device!r}: use cpu, gpu, gpu:1 or mps")
        return self.device if self.device in ("cpu", "mps") else "gpu", int(found[1] or 0)

    def check_precision(self, compute_capability: tuple[int, int] | None) -> None:
        """Raise RosettaError when the device does not have the precision: a GPU of that capability, or the CPU."""
        if self.device == "mps" and self.precision != "float32":
            raise RosettaError(f"the device mps does not compute in {self.precision} here: use float32, or cpu")
        ampere = compute_capability is not None and compute_capability >= (8, 0)
        if self.precision == "tf32" and not ampere:
            raise RosettaError("TF32 needs an NVIDIA GPU of compute capability 8.0 or more: use float32")
        if self.precision == "bfloat16" and not ampere and (compute_capability or lacks_bfloat16()):
            raise RosettaError(f"the device {self.device} has no bfloat16 instructions: use float32")


@dataclass(frozen=True, eq=False)
class Problem:
    """One style transfer: the content and the style image, RGB in [0, 1] of shape (H, W, 3), and how to do it.

    `weights` may be of any family: `network` scales them to the recipe's. `mode` is how the framework
    executes the problem, where the framework has several ways; None is the backend's first. Pictures with a side above
    `tile_px` are computed in tiles, whose windows have no longer side; None is for whole pictures. Raises RosettaError
    for images and tiles that the recipe's taps do not fit.
    """

    content: Image
    style: Image
    recipe: Recipe
    weights: Weights
    precision: Precision = "float32"
    device: str = "cpu"
    mode: Mode | None = None
    tile_px: int | None = None

    def __post_init__(self) -> None:
        check_tile(self.tile_px, self.recipe.taps)
        for role, image in (("content", self.content), ("style", self.style)):
            check_image(role, image, self.recipe.smallest_side_px)

    @cached_property
    def network(self) -> Network:
        """The network with the weights in the units of the recipe's family, made once."""
        weights = self.weights.for_family(self.recipe.family)
        return Network(weights, self.recipe.pooling, self.precision, self.device)

    @property
    def is_tiled(self) -> bool:
        """Whether a picture is larger than a tile."""
        sides_px = (*extent_of(self.content), *extent_of(self.style))
        return self.tile_px is not None and max(sides_px) > self.tile_px

    def check_tiled(self) -> None:
        """Raise RosettaError for a tile that has no effect."""
        if self.tile_px is not None and not self.is_tiled:
            raise RosettaError(
                f"no picture is larger than a tile of {self.tile_px} pixels: give a larger size, or leave out the tile"
            )

    @property
    def networks(self) -> tuple[Network, ...]:
        """The network in every precision that the stages compute in."""
        is_mixed = any(stage.bfloat16_steps for stage in self.recipe.stages)
        return (self.network, replace(self.network, precision="bfloat16")) if is_mixed else (self.network,)

    @cached_property
    def coefficients(self) -> Coefficients:
        """The recipe's loss for images of these sizes."""
        return coefficients(self.recipe, extent_of(self.content), extent_of(self.style))

    @cached_property
    def to_network(self) -> Affine:
        """The map from the optimized variable to the network's input."""
        return affine_between(self.recipe.pixel_space, self.network.weights.preprocessing)

    def pixels(self, image: Image) -> Pixels:
        """RGB in [0, 1] as the optimized variable: in the recipe's pixel space, rounded to float32.

        Rounded for float64 too, so that every precision starts from the same numbers.
        """
        check_image("image", image, self.recipe.smallest_side_px)
        if image.shape != self.content.shape:
            raise RosettaError(
                f"the image is {image.shape[0]}x{image.shape[1]} and the content {self.content.shape[0]}x"
                f"{self.content.shape[1]} pixels: give images of one size, or ask for a size"
            )
        return self.recipe.pixel_space.apply(image).astype(np.float32).astype(self.network.dtype)

    def image(self, pixels: Pixels) -> Image:
        """The optimized variable as RGB, clipped to [0, 1]."""
        return np.clip(self.recipe.pixel_space.invert(pixels), 0, 1).astype(np.float32)

    def at(self, stage: Stage) -> "Problem":
        """The same problem with both images resized as a stage wants them."""
        self._check_stage(stage)
        content_px, style_px = self.sizes_at(stage)
        return replace(self, content=resize(self.content, *content_px), style=resize(self.style, *style_px))

    def sizes_at(self, stage: Stage) -> tuple[SizePx, SizePx]:
        """The (height, width) in pixels of the content and of the style image in a stage."""
        return sizes_at(self.recipe, stage, extent_of(self.content), extent_of(self.style))

    def try_stages(self) -> None:
        """Raise RosettaError for a stage whose size does not fit, from the numbers alone."""
        for stage in self.recipe.stages:
            self._check_stage(stage)

    def _check_stage(self, stage: Stage) -> None:
        for role, size_px in zip(("content", "style"), self.sizes_at(stage), strict=True):
            check_size(role, size_px, self.recipe.smallest_side_px)


def sizes_at(recipe: Recipe, stage: Stage, content_px: SizePx, style_px: SizePx) -> tuple[SizePx, SizePx]:
    """The sizes that a content and a style picture of these sizes have in a stage."""
    at_content_px = extent_for(stage.size, *content_px)
    return at_content_px, extent_for(stage.size, *style_px) if recipe.style_size == "own" else at_content_px


def probe(problem: Problem) -> Image:
    """The image at which implementations are compared: the content with some noise, so that no loss term is 0."""
    noise = np.random.default_rng(0).normal(0, 0.1, problem.content.shape)
    return np.clip(problem.content + noise, 0, 1).astype(np.float32)


def check_image(role: str, image: Image, smallest_px: int) -> None:
    """Raise RosettaError unless `image` is finite RGB in [0, 1] of shape (H, W, 3), no side below `smallest_px`."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype.kind not in "fiub":
        raise RosettaError(
            f"the {role} has shape {image.shape} and type {image.dtype}: give numbers (height, width, 3)"
        )
    whatever = "the picture itself is too small, whatever the size: give a larger one, or choose shallower taps"
    check_size(role, (image.shape[0], image.shape[1]), smallest_px, whatever)
    if not (np.isfinite(image).all() and image.min() >= 0 and image.max() <= 1):
        raise RosettaError(f"the {role} has values from {image.min():g} to {image.max():g}: give RGB in [0, 1]")


def check_size(
    role: str, size_px: tuple[int, int], smallest_px: int, way_out: str = "choose a larger size or shallower taps"
) -> None:
    """Raise RosettaError unless no side of (height, width) is below `smallest_px`."""
    if min(size_px) < smallest_px:
        needed = f"these layers need at least {smallest_px} a side"
        raise RosettaError(f"the {role} is {size_px[0]}x{size_px[1]} pixels and {needed}: {way_out}")
