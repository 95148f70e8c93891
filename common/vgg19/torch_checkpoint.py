"""A PyTorch state dict read without PyTorch and without running code.

Keras must read torchvision's checkpoints where PyTorch is not installed. The unpickler accepts tensors,
ordered dicts and plain values, and refuses every other global before it is called, as `weights_only=True` does.
"""

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.errors import RosettaError, one_line
from common.input_files import ordinary

_MAGIC = 0x1950A86A20F9469CFC6C
_MOST_VALUES = 2**27  # of a tensor; the largest of VGG-19, of its classifier, has 103 million
_MOST_OBJECTS = 2**20
_TELLING = (OSError, ValueError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, MemoryError)
_DTYPES = {"DoubleStorage": "<f8", "FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8"}


class _Storage(NamedTuple):
    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> _Tensor:
    return _Tensor(storage, offset, shape, stride)


def _rebuild_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which a state dict has no use for")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, size = pid[:5]
        if kind != "storage" or not isinstance(dtype, str):
            raise pickle.UnpicklingError("it refers to something that is not a tensor's storage")
        return _Storage(str(key), dtype, int(size))


def _load(file: BinaryIO) -> Any:
    """The next pickle of a file; the index of an object in the unpickler's memo makes room for as many at once."""
    start = file.tell()
    for operation, argument, _ in pickletools.genops(file):
        if operation.name.endswith("PUT") and int(argument or 0) > _MOST_OBJECTS:
            raise pickle.UnpicklingError(f"it says that it holds {argument} objects")
    file.seek(start)
    return _Unpickler(file).load()


def read_state_dict(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The tensors of those names in a state dict saved by `torch.save`, in its zip or its older format.

    Names that the file lacks are left out. Raises RosettaError for a file that is missing, truncated, or a
    pickle of anything but a flat dict of tensors.
    """
    try:
        with open(ordinary(path), "rb") as file:
            reader = _read_zip if zipfile.is_zipfile(file) else _read_legacy
            file.seek(0)
            return reader(file, names)
    except FileNotFoundError:
        raise RosettaError(f"there are no weights {str(path)!r}: give the path of a file that exists") from None
    except RosettaError:
        raise
    except Exception as error:  # a hostile or broken pickle can raise anything at all
        reason = one_line(error) if isinstance(error, _TELLING) else "its parts do not belong together"
        raise RosettaError(
            f"cannot read the weights {str(path)!r} ({reason}): give a whole state dict saved by torch.save"
        ) from None


def _read_zip(file: BinaryIO, names: Collection[str]) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(file) as archive:
        pickled = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if pickled is None:
            raise pickle.UnpicklingError("it holds no data.pkl")
        folder = pickled.removesuffix("data.pkl")
        state = _load(io.BytesIO(_stored(archive, pickled)))
        return _arrays(state, names, lambda storage: _stored(archive, f"{folder}data/{storage.key}"))


def _stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member of an archive as torch.save writes it: what is compressed could be of any size."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise pickle.UnpicklingError(f"its {name} is compressed")
    return archive.read(name)


def _read_legacy(file: BinaryIO, names: Collection[str]) -> dict[str, NDArray[Any]]:
    magic, _protocol, _system = (_load(file) for _ in range(3))
    if magic != _MAGIC:
        raise pickle.UnpicklingError("it was not saved by torch.save")
    state = _load(file)
    keys = _load(file)
    storages = {tensor.storage.key: tensor.storage for tensor in _tensors(state).values()}
    starts: dict[str, int] = {}
    for key in keys:
        file.read(8)  # the number of elements, which the pickle has already given
        starts[key] = file.tell()
        storage = storages[key]
        file.seek(storage.size * np.dtype(storage.dtype).itemsize, io.SEEK_CUR)

    def read(storage: _Storage) -> bytes:
        file.seek(starts[storage.key])
        return file.read(storage.size * np.dtype(storage.dtype).itemsize)

    return _arrays(state, names, read)


def _tensors(state: Any) -> dict[str, _Tensor]:
    if not isinstance(state, dict) or not all(isinstance(value, _Tensor) for value in state.values()):
        raise pickle.UnpicklingError("it is not a flat dict of tensors")
    return state


def _arrays(state: Any, names: Collection[str], read: Callable[[_Storage], bytes]) -> dict[str, NDArray[Any]]:
    return {name: _array(tensor, read(tensor.storage)) for name, tensor in _tensors(state).items() if name in names}


def _array(tensor: _Tensor, raw: bytes) -> NDArray[Any]:
    dtype = np.dtype(tensor.storage.dtype)
    flat = np.frombuffer(raw, dtype, tensor.storage.size)[tensor.offset :]
    reach = sum((side - 1) * stride for side, stride in zip(tensor.shape, tensor.stride, strict=True))
    if min(tensor.stride, default=0) < 0 or reach >= flat.size:
        raise ValueError("a tensor reaches beyond its storage")
    if math.prod(tensor.shape) > _MOST_VALUES:
        raise ValueError(f"it says that a tensor has the shape {tensor.shape}, which no layer of VGG-19 has")
    strides = tuple(stride * dtype.itemsize for stride in tensor.stride)
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides).copy()
