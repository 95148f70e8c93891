"""What ports compute in the place of F^T F / M: each form in closed form from a feature map (h, w, C)."""

from collections.abc import Callable, Iterator

import numpy as np

from common.doctor.hypotheses.trap import Fault
from common.oracle import gram
from common.tensors import Array

_LEAST = 1e-30


def _flat(feature: Array) -> Array:
    return feature.reshape(-1, feature.shape[-1]).astype(np.float64)


def _less_all(feature: Array) -> Array:
    return gram(feature - feature.mean())


def _less_each(feature: Array) -> Array:
    return gram(feature - feature.mean(axis=-1, keepdims=True))


def _cosine(feature: Array) -> Array:
    whole = gram(feature)
    norms = np.sqrt(np.maximum(np.diag(whole), _LEAST))
    return np.asarray(whole / np.outer(norms, norms))


def _rows(feature: Array) -> Array:
    flat = _flat(feature)
    rows = flat.reshape(flat.shape[::-1])
    return np.asarray(rows @ rows.T / len(flat))


def _columns(feature: Array) -> Array:
    flat = _flat(feature)
    columns = np.ascontiguousarray(flat.T).reshape(flat.shape)
    return np.asarray(columns.T @ columns / len(flat))


def _shifted(feature: Array) -> Array:
    positions = feature.shape[0] * feature.shape[1]
    return np.asarray(_flat(feature[:, 1:]).T @ _flat(feature[:, :-1]) / positions)


def _across(feature: Array) -> Array:
    flat = _flat(feature)
    return np.asarray(flat.T @ _flat(feature.transpose(1, 0, 2)) / len(flat))


def _rooted(feature: Array) -> Array:
    whole = gram(feature)
    return np.asarray(np.sign(whole) * np.sqrt(np.abs(whole)))


GRAM_FORMS: dict[str, Callable[[Array], Array]] = {
    "the covariance: the mean of each channel is subtracted": lambda it: gram(it - it.mean(axis=(0, 1))),
    "of the feature map less its mean over all channels": _less_all,
    "of the feature map less its mean over the channels at each position": _less_each,
    "of the feature map less 1": lambda it: gram(it - 1),
    "the cosine of channels: each channel is divided by its norm": _cosine,
    "divided by its own norm": lambda it: gram(it) / max(float(np.linalg.norm(gram(it))), _LEAST),
    "divided by its largest value": lambda it: gram(it) / max(float(np.abs(gram(it)).max()), _LEAST),
    "of a reshape where a transpose is meant: (H, W, C) read as (C, M)": _rows,
    "of a reshape where a transpose is meant: (C, H, W) read as (M, C)": _columns,
    "the upper half alone": lambda it: np.triu(gram(it)),
    "the lower half alone": lambda it: np.tril(gram(it)),
    "without its diagonal": lambda it: gram(it) - np.diag(np.diag(gram(it))),
    "the diagonal alone": lambda it: np.diag(np.diag(gram(it))),
    "of the absolute values of the feature map": lambda it: gram(np.abs(it)),
    "of the squares of the feature map": lambda it: gram(it**2),
    "of the positive part of the feature map": lambda it: gram(np.maximum(it, 0)),
    "the square root of what it should be": _rooted,
    "the square of what it should be": lambda it: gram(it) ** 2,
    "of the feature map with itself moved by one position": _shifted,
    "of the feature map with its own transpose": _across,
}


def of_grams() -> Iterator[Fault]:
    """Every Gram matrix and target has another form."""
    for form, matrix_of in GRAM_FORMS.items():
        yield Fault(
            "gram", f"F^T F / M, but {form}", {"gram_form": matrix_of}, claim=("style terms of", {"form": form})
        )
