"""The weights in a bundle: every convolution's kernel and bias, in the recipe's unit, for a port in any language."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import RosettaError, one_line
from common.input_files import is_ordinary
from common.problem import Problem
from common.tensors import Array, Arrays, read_tensors, write_tensors
from common.vgg19 import CONVS, SPACES, Family, Weights, check_vgg19, load_weights, sha256_of

WEIGHTS = "weights.safetensors"
_HWIO_TO_OIHW, _OIHW_TO_HWIO = (3, 2, 0, 1), (2, 3, 1, 0)
_OWN_UNIT = "own_unit/"


@dataclass(frozen=True)
class WeightsFile:
    """The bundle's own file of weights."""

    name: str
    sha256: str


@dataclass(frozen=True)
class WeightsEntry:
    """What is read of a manifest's `weights`; `sha256` is that of the file which they were loaded from."""

    name: str
    family: Family
    sha256: str
    licence: str
    file: WeightsFile | None


def write_weights(path: Path, problem: Problem) -> None:
    """Write `conv1_1/weight` (out, in, 3, 3), `conv1_1/bias` (out,), ..., as the network's input wants them.

    All sixteen convolutions, since the doctor also tries taps from deeper layers. Biases that are brought to another
    unit stand there as in their file, too, under `own_unit/conv1_1/bias`.
    """
    own, used = problem.weights, problem.network.weights
    arrays = {f"{name}/weight": kernel.transpose(_HWIO_TO_OIHW) for name, kernel in used.kernels_hwio.items()}
    arrays |= {f"{name}/bias": bias for name, bias in used.biases.items()}
    if used is not own:
        arrays |= {f"{_OWN_UNIT}{name}/bias": bias for name, bias in own.biases.items()}
    write_tensors(path, arrays)


def weights_entry(problem: Problem, file: Path | None) -> dict[str, Any]:
    """What the manifest says of the weights; `file` is the bundle's own, if it has any."""
    own, used = problem.weights, problem.network.weights
    return {
        **{name: getattr(own, name) for name in ("name", "family", "sha256", "licence")},
        "divided_by": used.preprocessing.std[0] / own.preprocessing.std[0],
        "file": file and {"name": file.name, "sha256": sha256_of(file), "layout": "weight OIHW, float32"},
    }


def read_weights(entry: WeightsEntry, folder: Path, source: str | None) -> Weights:
    """The weights that a bundle was made with: those that `source` names, the bundle's own, or those that are found.

    Raises RosettaError where they are damaged, or are others.
    """
    file = entry.file and folder / Path(entry.file.name).name
    if source is None and entry.file and file and is_ordinary(file):
        return _own_weights(entry, file, entry.file.sha256)
    weights = load_weights(source or (entry.name if entry.name.startswith("random") else None))
    if weights.sha256 != entry.sha256:
        raise RosettaError(
            f"the bundle was made with the weights {entry.name} (sha256 {entry.sha256[:12]}...), and {weights.name} is "
            f"{weights.sha256[:12]}...: name the file by --weights"
        )
    return weights


def _own_weights(entry: WeightsEntry, file: Path, sha256: str) -> Weights:
    if sha256_of(file) != sha256:
        raise RosettaError(
            f"{str(file)!r} is damaged (its sha256 is not the manifest's): export the bundle anew, or name the "
            "weights by --weights"
        )
    arrays = read_tensors(file)
    try:
        kernels = {conv.name: _hwio(arrays[f"{conv.name}/weight"]) for conv in CONVS}
        biases = {conv.name: _bias(arrays, f"{conv.name}/bias") for conv in CONVS}
    except KeyError as error:
        raise RosettaError(f"{str(file)!r} has no {one_line(error)}: export the bundle anew") from None
    check_vgg19(file, kernels, biases)
    return Weights(entry.name, entry.family, SPACES[entry.family], kernels, biases, entry.sha256, entry.licence)


def _hwio(kernel_oihw: Array) -> Array:
    ordered = kernel_oihw.transpose(_OIHW_TO_HWIO) if kernel_oihw.ndim == 4 else kernel_oihw
    return np.ascontiguousarray(ordered)


def _bias(arrays: Arrays, name: str) -> Array:
    return arrays.get(f"{_OWN_UNIT}{name}", arrays[name])
