"""The shape of every tensor."""

from common.doctor.reference.case import Case
from common.doctor.reference.layers import pooled_px
from common.doctor.reference.variant import Variant
from common.tensors import tail
from common.vgg19 import LAYERS, NAMES

Shape = tuple[int, ...]


def shape_of(name: str, case: Case, variant: Variant) -> Shape | None:
    """The shape of a tensor as a variant has it; None where any will do, as for a picture before it is resized."""
    image, style = case.problem.content.shape, case.problem.style.shape
    kind, _, rest = name.partition("/")
    if rest == "decoded" or kind == "lbfgs":
        return None
    if rest == "resized":
        return image if kind == "content" else None if variant.own_style_size else style
    if kind == "loss":
        return ()
    if kind in ("gram", "target") and not rest.startswith("content/"):
        return _gram_shape(tail(name), image, style, variant, kind)
    if kind in ("features", "target") or rest.startswith("features/"):
        return feature_shape(tail(name), image, variant)
    return image


def feature_shape(name: str, image: Shape, variant: Variant) -> Shape:
    """Height, width and channels of a layer that is recorded under a name."""
    actual = variant.taps.get(name, name)
    height, width = image[:2]
    layers = LAYERS[: NAMES.index(actual) + 1]
    for layer in layers:
        if layer.kind == "pool":
            height, width = pooled_px(height, width, variant)
    return height, width, layers[-1].out_channels


def _gram_shape(tap: str, image: Shape, style: Shape, variant: Variant, kind: str) -> Shape:
    height, width, channels = feature_shape(tap, style if kind == "target" else image, variant)
    side = height * width if variant.gram_of_positions else channels
    return side, side
