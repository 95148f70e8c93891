"""Paths that will be written, examined before work starts."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import RosettaError, one_line

PathLike = str | os.PathLike[str]
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_written(written: Iterable[PathLike], read: Iterable[PathLike] = ()) -> None:
    """Raise RosettaError where a path cannot become a file, names a file that is `read`, or names one of the others.

    Links to one file count as this file. A folder may be missing where it can be made; nothing is made here.
    """
    sources = {_identity(source): source for source in read}
    targets: dict[object, PathLike] = {}
    for path in written:
        with failures(path):
            target = target_of(path)
        identity = _identity(target) or target  # what is not there yet is known by its path
        if identity in sources:
            what = f"the output {str(path)!r} would replace {str(sources[identity])!r}, which is read"
            raise RosettaError(f"{what}: name another")
        if identity in targets:
            raise RosettaError(f"the outputs {str(targets[identity])!r} and {str(path)!r} are one file: name another")
        targets[identity] = path


def _identity(path: PathLike) -> tuple[int, int] | None:
    """What all links to a file have in common; None where there is no file."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def target_of(path: PathLike) -> Path:
    """The file that a path names, behind symbolic links; raise OSError or ValueError where none can be written."""
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        raise OSError("it is a folder" if stat.S_ISDIR(mode) else "it is no ordinary file")
    if mode is not None and not os.access(target, os.W_OK):
        raise OSError("it is write-protected")
    folder = next(parent for parent in target.parents if _mode(parent) is not None)
    if not folder.is_dir():
        raise OSError(f"{str(folder)!r} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"the folder {str(folder)!r} is write-protected")
    return target


def _mode(path: Path) -> int | None:
    """What a path is, or None where there is nothing."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def failures(path: PathLike) -> Iterator[None]:
    """Turn what goes wrong with files into a RosettaError that names the path that was to be written."""
    try:
        yield
    except (OSError, ValueError) as error:
        way_out = "make room or name another file" if getattr(error, "errno", None) in _FULL else "name another file"
        raise NotSavedError(path, reason(error), way_out) from None


class NotSavedError(RosettaError):
    """A file cannot be written; `reason` says why."""

    def __init__(self, path: PathLike, reason: str, way_out: str) -> None:
        super().__init__(f"cannot save {str(path)!r} ({reason}): {way_out}")
        self.reason = reason


def reason(error: Exception) -> str:
    """What went wrong with a file, without its number, the file's name and a way out."""
    if isinstance(error, NotSavedError):
        return error.reason
    return getattr(error, "strerror", None) or one_line(error)


def hidden_name(kind: str, target: Path) -> str:
    """The name of a hidden file that belongs to a target, whose own name may be as long as names can be."""
    return f".{kind}-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}"
