"""Files that are written whole or not at all, and elsewhere where their own place fails."""

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import RosettaError
from common.writing.paths import PathLike, failures, hidden_name, target_of


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and vanishes otherwise.

    A symbolic link stays and its target is replaced. The new file has the permissions of the old one; where there is
    none, it obeys the umask. Raises RosettaError for what goes wrong with files on the way.
    """
    with failures(path):
        target = target_of(path)
        temporary = target.with_name(f"{hidden_name('part', target)}-{secrets.token_hex(4)}")
        temporary.touch(exist_ok=False)
        try:
            kept = (target if target.exists() else temporary).stat()
            temporary.chmod(0o600)  # what replaces a private file is private from the start
            yield temporary
            to_disk(temporary)
            _take_over(temporary, kept)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    names_to_disk(target.parent)


def _take_over(path: Path, kept: os.stat_result) -> None:
    """Give a file the permissions of another, and its owner where that is allowed."""
    with suppress(OSError):
        os.chown(path, kept.st_uid, kept.st_gid)
    path.chmod(stat.S_IMODE(kept.st_mode))


def names_to_disk(folder: Path) -> None:
    """Wait until the names in a folder would outlast a loss of power, on file systems that can be asked."""
    with suppress(OSError):
        to_disk(folder)


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, would outlast a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: PathLike, text: str) -> None:
    """Write a text as UTF-8; an old file is replaced at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_or_keep(path: PathLike, write: Callable[[Path], None]) -> None:
    """Call `write` with a path; where that fails, call `write` with the same name in a new folder elsewhere.

    Elsewhere is the system's temporary folder, or else the home folder. Raises RosettaError where the path's own place
    failed: the message says where the file is kept instead.
    """
    try:
        write(Path(path))
    except RosettaError as error:
        kept = _kept(Path(path).name, write)
        where = "no other folder took the result either" if kept is None else f"the result is kept as {str(kept)!r}"
        raise RosettaError(f"{error}; {where}") from None


def _kept(name: str, write: Callable[[Path], None]) -> Path | None:
    for place in (tempfile.gettempdir, Path.home):
        with suppress(OSError, RuntimeError):  # no such place
            folder = Path(tempfile.mkdtemp(prefix="style-rosetta-", dir=place()))
            try:
                write(folder / name)
                return folder / name
            except RosettaError:
                shutil.rmtree(folder, ignore_errors=True)
    return None
