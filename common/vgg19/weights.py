"""VGG-19's kernels and biases, the preprocessing that they were trained with, and what they are called."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import RosettaError, one_line
from common.input_files import ordinary
from common.vgg19.layers import CONVS, LAYERS, Layer
from common.vgg19.preprocessing import CAFFE, SPACES, UNIT_VARIANCE_SCALE, Family, Preprocessing
from common.vgg19.torch_checkpoint import read_state_dict
from common.vgg19.weight_files import KERAS_FILE, TORCHVISION_FILE, Published, sha256_of

if TYPE_CHECKING:
    import h5py

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Weights:
    """A trained VGG-19: kernels (3, 3, in, out) and biases (out,) by convolution name, float32.

    `preprocessing` maps RGB in [0, 1] to the network's input. `family` says which training the weights come from: a
    Keras file is taken to be Oxford's (`caffe`), a PyTorch file torchvision's (`imagenet`).
    """

    name: str
    family: Family
    preprocessing: Preprocessing
    kernels_hwio: Mapping[str, Float32]
    biases: Mapping[str, Float32]
    sha256: str
    licence: str

    @property
    def is_published(self) -> bool:
        """Whether the file is a published one, by its sha256, or the weights are random numbers of our own."""
        return not self.licence.startswith("unknown")

    def for_family(self, family: Family) -> "Weights":
        """The same network in the units of another family: every feature multiplied by one exact factor.

        ReLU networks are positively homogeneous, so dividing input and biases by r divides every feature by r.
        It lets a recipe tuned on unit-variance inputs run on the Oxford weights, and the other way round.
        """
        return self if family == self.family else _in_units_of(self, family)


@lru_cache(maxsize=2)  # what is cached by weights, such as the oracle's kernels, serves every recipe of a family
def _in_units_of(weights: Weights, family: Family) -> Weights:
    factor = UNIT_VARIANCE_SCALE if weights.family == "caffe" else 1 / UNIT_VARIANCE_SCALE
    biases = {name: (bias / np.float64(factor)).astype(np.float32) for name, bias in weights.biases.items()}
    preprocessing = weights.preprocessing.divided_by(factor)
    return replace(weights, family=family, preprocessing=preprocessing, biases=biases)


class _KernelsInFile(Mapping[str, Float32]):
    """Kernels that are read when they are asked for: a framework has its own copy, and 80 MB more would only wait.

    Raises RosettaError when the file is no longer the one that was checked.
    """

    def __init__(self, path: Path, datasets: Mapping[str, str]) -> None:
        self._path, self._datasets, self._checked = path, datasets, _stamp(path)

    def __getitem__(self, name: str) -> Float32:
        dataset = self._datasets[name]
        try:
            if _stamp(self._path) == self._checked:
                with _opened(self._path) as file:
                    return np.asarray(file[dataset], np.float32)
        except OSError:
            pass  # said below
        raise RosettaError(f"the weights {str(self._path)!r} changed while they were used: leave the file as it is")

    def __contains__(self, name: object) -> bool:
        return name in self._datasets

    def __iter__(self) -> Iterator[str]:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What tells that a file was written anew."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def read_keras_file(path: Path) -> Weights:
    """Read a `keras.applications` VGG-19 file (.h5, with or without the classifier); refuse anything else."""
    datasets, biases = {}, {}
    try:
        with _opened(path) as file:
            root = file if file.get("model_weights", getlink=True) is None else _group(file, "model_weights")
            for conv in CONVS:
                kernel, bias = _kernel_and_bias(root, conv.name.replace("conv", "block").replace("_", "_conv"))
                _check_shapes(path, conv, kernel.shape, bias.shape)  # before memory is taken for them
                datasets[conv.name], biases[conv.name] = kernel.name, np.asarray(bias, np.float32)
        kernels = _KernelsInFile(path, datasets)
        check_vgg19(path, kernels, biases)
    except (OSError, KeyError, AttributeError, ValueError, TypeError, RuntimeError) as error:
        raise RosettaError(
            f"cannot read the weights {str(path)!r} ({one_line(error)}): give a whole Keras VGG-19 .h5 file"
        ) from None
    return _weights(path, KERAS_FILE, kernels, biases)


def _opened(path: Path) -> "h5py.File":
    import h5py  # here, since a sixth of the time of --help went into the import

    return h5py.File(ordinary(path))


def _group(parent: "h5py.Group", name: str) -> "h5py.Group":
    """A group that is in the file itself: a link may lead to another file, which may be a pipe."""
    import h5py

    if isinstance(parent.get(name, getlink=True), h5py.HardLink) and isinstance(group := parent[name], h5py.Group):
        return group
    raise ValueError(f"it has no group {name}")


def _kernel_and_bias(root: "h5py.Group", name: str) -> "tuple[h5py.Dataset, h5py.Dataset]":
    """A layer's datasets, told by their number of axes; those whose values are in other files do not count."""
    datasets: dict[int, h5py.Dataset] = {}

    def collect(_: str, item: "h5py.Dataset | h5py.Group") -> None:
        if hasattr(item, "ndim") and item.dtype.kind in "fiu" and not item.external and not item.is_virtual:
            datasets[item.ndim] = item

    _group(root, name).visititems(collect)
    for axes, what in ((4, "kernel"), (1, "bias")):
        if axes not in datasets:
            raise ValueError(f"{name} has no {what}")
    return datasets[4], datasets[1]


def read_torch_file(path: Path) -> Weights:
    """Read a torchvision VGG-19 state dict (.pth, with or without the classifier); refuse anything else."""
    convs = {f"features.{index}": layer.name for index, layer in enumerate(LAYERS) if layer.kind == "conv"}
    state = read_state_dict(path, {f"{key}.{part}" for key in convs for part in ("weight", "bias")})
    kernels, biases = {}, {}
    for key, name in convs.items():
        if f"{key}.weight" not in state or f"{key}.bias" not in state:
            raise RosettaError(f"the weights {str(path)!r} have no {key}: give torchvision's VGG-19 state dict")
        weight_oihw = state[f"{key}.weight"]
        if weight_oihw.dtype.kind != "f":
            raise RosettaError(f"the weights {str(path)!r} are whole numbers in {key}: give floating point numbers")
        if weight_oihw.ndim != 4:
            raise RosettaError(f"the weights {str(path)!r} are not VGG-19's: {key} has shape {weight_oihw.shape}")
        kernels[name] = np.ascontiguousarray(weight_oihw.transpose(2, 3, 1, 0), np.float32)
        biases[name] = state[f"{key}.bias"].astype(np.float32)
    check_vgg19(path, kernels, biases)
    return _weights(path, TORCHVISION_FILE, kernels, biases)


def _weights(
    path: Path, published: Published, kernels: Mapping[str, Float32], biases: Mapping[str, Float32]
) -> Weights:
    sha256, family = sha256_of(path), published.family
    known = sha256.startswith(published.sha256)
    licence = published.licence if known else f"unknown: not the published {published.filename}"
    return Weights(path.name, family, SPACES[family], kernels, biases, sha256, licence)


def check_vgg19(path: Path, kernels: Mapping[str, Float32], biases: Mapping[str, Float32]) -> None:
    """Raise RosettaError unless the kernels and biases of a file have VGG-19's shapes and are finite."""
    for conv in CONVS:
        kernel, bias = kernels[conv.name], biases[conv.name]
        _check_shapes(path, conv, kernel.shape, bias.shape)
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise RosettaError(f"the weights {str(path)!r} hold values that are not finite in {conv.name}")


def _check_shapes(path: Path, conv: Layer, *found: tuple[int, ...]) -> None:
    wanted = ((3, 3, conv.in_channels, conv.out_channels), (conv.out_channels,))
    if found != wanted:
        raise RosettaError(f"the weights {str(path)!r} are not VGG-19's: {conv.name} is {found} and should be {wanted}")


@lru_cache(maxsize=2)
def random_weights(seed: int = 0) -> Weights:
    """He-scaled normal kernels and small normal biases, the same for the same seed: for tests and timing."""
    generator = np.random.default_rng(seed)
    kernels, biases = {}, {}
    digest = hashlib.sha256()
    for conv in CONVS:
        shape = (3, 3, conv.in_channels, conv.out_channels)
        scale = np.float32(np.sqrt(2 / (9 * conv.in_channels)))
        kernels[conv.name] = generator.standard_normal(shape, np.float32) * scale
        biases[conv.name] = generator.standard_normal(conv.out_channels, np.float32)
        digest.update(kernels[conv.name].tobytes() + biases[conv.name].tobytes())
    name = f"random:{seed}"
    return Weights(name, "caffe", CAFFE, kernels, biases, digest.hexdigest(), "none: random numbers")
