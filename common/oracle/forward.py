"""The tensors before the loss: pictures, the optimized variable, the network's input, feature maps."""

import numpy as np

from common.images import Image
from common.oracle.pictures import Picture, resized_by, saved_bytes
from common.oracle.run import Run, computes
from common.oracle.variant import RIGHT
from common.tensors import Array, TensorName


@computes("content/decoded", "style/decoded")
def decoded(run: Run, name: TensorName) -> Array:
    """A picture as it is read from its file."""
    picture: Picture = getattr(run.case, name.role)
    return picture.decoded_by(run.variant if name.role in run.variant.roles else RIGHT)


@computes("content/resized", "style/resized")
def resized(run: Run, name: TensorName) -> Array:
    """A picture at the size that it is used in."""
    right: Image = getattr(run.case.problem, name.role)
    picture = run.value(f"{name.role}/decoded")
    keeps_size = name.role == "style" and run.variant.own_style_size
    height, width = (picture if keeps_size else right).shape[:2]
    return resized_by(picture, height, width, run.variant)


@computes("pixels")
def pixels(run: Run, _: TensorName) -> Array:
    """The image as the optimized variable, rounded to float32."""
    return run.maps.to_pixels(np.asarray(run.case.image, np.float64)).astype(np.float32).astype(np.float64)


@computes("input")
def network_input(run: Run, _: TensorName) -> Array:
    """The optimized variable as the network sees it."""
    return run.maps.to_input(run.value("pixels"))


@computes("features")
def features(run: Run, name: TensorName) -> Array:
    """The output of the layer that is recorded under a name."""
    return run.computed_layer(run.layer_of[name.tap])


@computes("saved")
def saved(run: Run, _: TensorName) -> Array:
    """The image as a file holds it."""
    return saved_bytes(run.case.image, run.variant.saved)
