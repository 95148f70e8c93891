"""Named tensors in files: .npz, .safetensors, or a folder of .npy."""

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from common.errors import RosettaError, one_line
from common.input_files import ordinary, parse_json
from common.tensors.names import Array, Arrays
from common.writing import replacing

_READABLE = ("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")  # what NumPy has, too
_LIKELY_BYTES, _MOST_PACKED = 2**27, 100  # of any archive; what deflate makes of numbers is not as small
KINDS = "an .npz file, a .safetensors file, or a folder of .npy files"


def read_tensors(path: Path) -> Arrays:
    """Every tensor of a file or folder, by name; raise RosettaError when it cannot be read or holds no numbers."""
    pairs = _all_of(path)
    for name, array in pairs:
        check_real(name, array, f" in {str(path)!r}")
    if repeated := [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]:
        raise RosettaError(f"{repeated[0]!r} stands twice in {str(path)!r}: give each tensor once")
    if not pairs:
        raise RosettaError(f"{str(path)!r} holds no tensors: give {KINDS}")
    return dict(pairs)


def check_real(name: str, array: Array, place: str) -> None:
    """Raise RosettaError for an array of anything but real numbers; `place` is where, in words."""
    if array.dtype.kind not in "fiub":
        raise RosettaError(f"{name!r}{place} is of type {array.dtype}: give real numbers")


def _all_of(path: Path) -> list[tuple[str, Array]]:
    try:
        return list(_read(path))
    except RosettaError:
        raise
    except FileNotFoundError:
        raise RosettaError(f"there is no {str(path)!r}: give {KINDS}") from None
    except MemoryError:
        what = "it says that it holds more than fits into memory: it is damaged, or too large"
        raise RosettaError(f"cannot read the tensors {str(path)!r} ({what}): give {KINDS}") from None
    except Exception as error:  # archives and headers of damaged files raise anything at all
        raise RosettaError(f"cannot read the tensors {str(path)!r} ({one_line(error)}): give {KINDS}") from None


def _read(path: Path) -> Iterator[tuple[str, Array]]:
    if path.is_dir():
        return _read_folder(path)
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    path.stat()  # says so where there is nothing
    raise RosettaError(f"{str(path)!r} is neither of what can be read: give {KINDS}")


def _read_folder(folder: Path) -> Iterator[tuple[str, Array]]:
    for path in sorted(folder.rglob("*.npy")):
        with open(ordinary(path), "rb") as file:
            yield _name(path.relative_to(folder)), np.lib.format.read_array(file, allow_pickle=False)


def _read_npz(path: Path) -> Iterator[tuple[str, Array]]:
    import psutil  # here, as safetensors below

    with zipfile.ZipFile(ordinary(path)) as archive:
        if sum(member.file_size for member in archive.infolist()) > psutil.virtual_memory().available:
            raise MemoryError
        for member in archive.infolist():
            if member.file_size > max(_LIKELY_BYTES, _MOST_PACKED * member.compress_size):
                raise ValueError(
                    f"{member.filename} unpacks to {member.file_size / member.compress_size:.0f} times its size"
                )
            with archive.open(member) as file:
                yield member.filename.removesuffix(".npy"), np.lib.format.read_array(file, allow_pickle=False)


def _read_safetensors(path: Path) -> Iterator[tuple[str, Array]]:
    import safetensors  # here, since a worker imports this room in environments without it

    _check_header(path)
    try:
        with safetensors.safe_open(ordinary(path), framework="numpy") as file:
            names = file.keys()
            for name in names:
                kind = file.get_slice(name).get_dtype()
                if kind not in _READABLE:
                    what = f"{name!r} in {str(path)!r} is {'bfloat16' if kind == 'BF16' else kind}"
                    raise RosettaError(f"{what}, which NumPy cannot read: save it as float32")
                yield name, np.asarray(file.get_tensor(name))
    except safetensors.SafetensorError as error:
        raise ValueError(one_line(error)) from None


def _check_header(path: Path) -> None:
    """Raise ValueError for a header in which a name stands twice, of which safetensors takes the last."""
    with open(ordinary(path), "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        parse_json(file.read(min(length, _LIKELY_BYTES)))


def _name(relative: Path) -> str:
    """A file's name as a tensor's: folders are slashes, and so is `--` in a name without folders."""
    return relative.with_suffix("").as_posix().replace("--", "/")


def write_tensors(path: Path, arrays: Arrays, metadata: Mapping[str, str] | None = None) -> None:
    """Write a .safetensors file, whole or not at all, with texts in its header."""
    import safetensors.numpy

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        # Not save_file: its own temporary file would stay behind a killed process, under a name that nobody knows.
        temporary.write_bytes(safetensors.numpy.save(contiguous, dict(metadata or {}) or None))
