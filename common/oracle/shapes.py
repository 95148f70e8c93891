"""The shape of every tensor."""

import numpy as np

from common.oracle.case import Case
from common.oracle.variant import Variant
from common.tensors import Array, TensorName
from common.vgg19 import LAYERS, NAMES

Shape = tuple[int, ...]


def fits(name: str, array: Array, case: Case, variant: Variant) -> bool:
    """Whether an array can stand for a tensor: it has its shape, and finite values."""
    shape = shape_of(name, array, case, variant)
    return array.size > 0 and (shape is None or array.shape == shape) and bool(np.isfinite(array).all())


def shape_of(text: str, array: Array, case: Case, variant: Variant) -> Shape | None:
    """The shape that a tensor should have, given an array that stands for it, whose number of L-BFGS's points is free.

    None where the shape is not known, as that of a picture before it is resized.
    """
    name, image, style = TensorName.parse(text), case.problem.content.shape, case.problem.style.shape
    if name.kind == "lbfgs/losses":
        return (array.size,)
    if name.kind.startswith("lbfgs/"):
        return (len(array) if array.ndim else 0, *image)
    if name.stage == "file" or (name.kind == "style/resized" and variant.own_style_size):
        return None
    if name.stage == "loss":
        return ()
    if name.kind in ("gram", "target/style"):
        height, width, channels = feature_shape(name.tap, image if name.kind == "gram" else style, variant)
        side = height * width if variant.gram_of_positions else channels
        return side, side
    if name.kind == "style/resized":
        return style
    return feature_shape(name.tap, image, variant) if name.tap else image


def feature_shape(name: str, image: Shape, variant: Variant) -> Shape:
    """Height, width and channels of the layer that is recorded under a name."""
    layers = LAYERS[: NAMES.index(variant.taps.get(name, name)) + 1]
    height, width = image[:2]
    for layer in layers:
        if layer.kind == "pool":
            height, width = (height + variant.ceil_pooling) // 2, (width + variant.ceil_pooling) // 2
    return height, width, layers[-1].out_channels
