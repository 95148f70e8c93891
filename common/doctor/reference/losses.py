"""Gram matrices and the factors of the loss as a variant has them, in float64 NumPy."""

import numpy as np

from common.doctor.reference.variant import GramNorm, Variant
from common.tensors import Array

Shape = tuple[int, ...]


def gram(feature: Array, variant: Variant) -> Array:
    """F^T F / M, shape (C, C), of a feature map (h, w, C); of positions, F F^T / M, shape (M, M)."""
    flat = feature.reshape(-1, feature.shape[-1]).astype(np.float64)
    product = flat @ flat.T if variant.gram_of_positions else flat.T @ flat
    return np.asarray(product / len(flat))


def gram_gradient(feature: Array, difference: Array, variant: Variant) -> Array:
    """The gradient of sum((K - T)^2) with respect to the feature map, given K - T."""
    flat = feature.reshape(-1, feature.shape[-1])
    both = difference + difference.T
    spread = both @ flat if variant.gram_of_positions else flat @ both
    return np.asarray(2 / len(flat) * spread.reshape(feature.shape))


def gram_scale(shape: Shape, variant: Variant) -> float:
    """What the variant's normalisation makes of a mean Gram matrix."""
    return _norm(variant.gram_norm, shape[-1], shape[0] * shape[1])


def target_scale(t: float, tap: str, shape: Shape, style_shape: Shape, variant: Variant) -> float:
    """What the variant multiplies the style picture's mean Gram matrix by; t is the convention's target scale."""
    of = _normalised_by(t, shape, style_shape)
    return t * gram_scale(of, variant) * float(variant.target_scale.get(tap, 1.0))


def handed_scales(t: float, shape: Shape, style_shape: Shape, variant: Variant) -> tuple[float, float]:
    """By what a Gram matrix and its target are larger than those that the loss is computed from."""
    image, target = shape, _normalised_by(t, shape, style_shape)
    name = variant.gram_handed
    return _norm(name, image[-1], image[0] * image[1]), _norm(name, target[-1], target[0] * target[1])


def _normalised_by(t: float, shape: Shape, style_shape: Shape) -> Shape:
    # A convention without normalisation has M_s / M in its t already; one with it has t = 1.
    return style_shape if t == 1 else shape


def _norm(name: GramNorm, channels: int, positions: int) -> float:
    """A normalisation's factor relative to that by M."""
    return {"M": 1.0, "none": float(positions), "M C": 1 / channels, "C": positions / channels}[name]


def term_scale(term: str, variant: Variant) -> float:
    """The factor of a term, such as `style/relu1_1`, and of its kind."""
    kind = term.partition("/")[0]
    names = {term, kind}
    return float(np.prod([variant.term_scale.get(name, 1.0) for name in names]))
