"""Named tensors in files: .npz, .safetensors, or a folder of .npy."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from common.errors import RosettaError, one_line
from common.tensors.names import Arrays
from common.writing import replacing

_DAMAGED = (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)
KINDS = "an .npz file, a .safetensors file, or a folder of .npy files"


def read_tensors(path: Path) -> Arrays:
    """Every tensor of a file or folder, by name; raise RosettaError when it cannot be read or holds no numbers."""
    try:
        arrays = _read(path)
    except FileNotFoundError:
        raise RosettaError(f"there is no {str(path)!r}: give {KINDS}") from None
    except _DAMAGED as error:
        raise RosettaError(f"cannot read the tensors {str(path)!r} ({one_line(error)}): give {KINDS}") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise RosettaError(f"{name} in {str(path)!r} is of type {array.dtype}: give real numbers")
    if not arrays:
        raise RosettaError(f"{str(path)!r} holds no tensors: give {KINDS}")
    return arrays


def _read(path: Path) -> Arrays:
    if path.is_dir():
        return {
            _name(file.relative_to(path)): np.load(file, allow_pickle=False) for file in sorted(path.rglob("*.npy"))
        }
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix == ".npz":
        # Opened here, since np.load leaves a damaged archive open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if not path.exists():
        raise FileNotFoundError
    raise RosettaError(f"{str(path)!r} is neither of what can be read: give {KINDS}")


def _read_safetensors(path: Path) -> Arrays:
    import safetensors  # here, since a worker imports this room in environments without it

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.keys()
            if unreadable := [name for name in names if file.get_slice(name).get_dtype() == "BF16"]:
                what = f"{unreadable[0]} in {str(path)!r} is bfloat16"
                raise RosettaError(f"{what}, which NumPy cannot read: save it as float32")
            return {name: np.asarray(file.get_tensor(name)) for name in names}
    except safetensors.SafetensorError as error:
        raise ValueError(one_line(error)) from None


def _name(relative: Path) -> str:
    """A file's name as a tensor's: folders are slashes, and so is `--` in a name without folders."""
    return relative.with_suffix("").as_posix().replace("--", "/")


def write_tensors(path: Path, arrays: Arrays) -> None:
    """Write a .safetensors file, whole or not at all."""
    import safetensors
    import safetensors.numpy

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        try:
            safetensors.numpy.save_file(contiguous, temporary)
        except safetensors.SafetensorError as error:  # a full disk, too
            raise OSError(one_line(error)) from None
