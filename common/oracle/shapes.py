"""The shape of every tensor."""

import numpy as np

from common.oracle.case import Case
from common.oracle.layers import pooled_px
from common.oracle.variant import Variant
from common.tensors import Array, TensorName
from common.vgg19 import LAYERS, NAMES

Shape = tuple[int, ...]


def fits(name: str, array: Array, case: Case, variant: Variant) -> bool:
    """Whether an array can stand for a tensor: it has its shape, and finite values."""
    shape = shape_of(name, case, variant)
    if name == "lbfgs/losses":
        shape = (max(1, array.size),)
    elif TensorName.parse(name).kind in ("lbfgs/pixels", "lbfgs/gradients"):
        shape = (max(1, len(np.atleast_1d(array))), *case.pixels.shape)
    return (shape is None or array.shape == shape) and bool(np.isfinite(array).all())


def shape_of(text: str, case: Case, variant: Variant) -> Shape | None:
    """The shape of a tensor as a variant has it; None where it is not known, as of a picture before it is resized."""
    name, image, style = TensorName.parse(text), case.problem.content.shape, case.problem.style.shape
    if name.stage == "file" or name.kind.startswith("lbfgs/"):
        return None
    if name.kind == "style/resized":
        return None if variant.own_style_size else style
    if name.stage == "loss":
        return ()
    if name.kind in ("gram", "target/style"):
        return _gram_shape(name.tap, image if name.kind == "gram" else style, variant)
    return image if not name.tap else feature_shape(name.tap, image, variant)


def feature_shape(name: str, image: Shape, variant: Variant) -> Shape:
    """Height, width and channels of the layer that is recorded under a name."""
    layers = LAYERS[: NAMES.index(variant.taps.get(name, name)) + 1]
    height, width = image[:2]
    for layer in layers:
        if layer.kind == "pool":
            height, width = pooled_px(height, width, variant.ceil_pooling)
    return height, width, layers[-1].out_channels


def _gram_shape(tap: str, picture: Shape, variant: Variant) -> Shape:
    height, width, channels = feature_shape(tap, picture, variant)
    side = height * width if variant.gram_of_positions else channels
    return side, side
