"""One run at a time: what a run will write is locked until the run ends, however that comes about."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from common.errors import RosettaError
from common.writing.paths import PathLike, failures, hidden_name, reason, target_of

# How the names of temporary folders in a claimed folder begin; the next claim removes those that a killed run has left.
PART_FOLDER = ".part-folder-"


@contextmanager
def claimed(*files: PathLike, folder: PathLike | None = None) -> Iterator[None]:
    """Make the folders that are missing, and keep other runs from writing the same files, until the block ends.

    `folder` is claimed with all that is written into it. Folders that were made and stayed empty are removed again.
    Raises RosettaError when another run has claimed the same. File systems without locks keep nobody out.
    """
    with ExitStack() as held:
        if folder is not None:
            held.enter_context(_made(Path(folder)))
            held.enter_context(_folder_claimed(Path(folder)))
        for path in files:
            with failures(path):
                parent = Path(os.path.realpath(path)).parent
            held.enter_context(_made(parent))
            held.enter_context(_file_claimed(path))
        yield


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    missing: list[Path] = []
    try:
        try:
            missing += [it for it in (folder, *folder.parents) if not it.exists()]
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise RosettaError(f"cannot make the folder {str(folder)!r} ({reason(error)}): name another") from None
        yield
    finally:
        for made in missing:
            with suppress(OSError, ValueError):  # not empty, or never made
                made.rmdir()


@contextmanager
def _folder_claimed(folder: Path) -> Iterator[None]:
    """Lock the folder itself, which leaves no file behind."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # a folder may be written into and not be read
        yield
        return
    try:
        if _is_locked(descriptor, folder):
            _remove_leftovers(folder, PART_FOLDER)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _file_claimed(path: PathLike) -> Iterator[None]:
    """Lock a file beside the target, since the target is another file after each save."""
    with failures(path):
        target = target_of(path)
        lock = target.with_name(hidden_name("lock", target))
        descriptor, locked = _opened(lock, path)
    try:
        if locked:
            _remove_leftovers(target.parent, hidden_name("part", target))
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(descriptor)


def _opened(lock: Path, path: PathLike) -> tuple[int, bool]:
    """A descriptor of the lock's file, and whether the lock was got; RosettaError where another run has the lock."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = _is_locked(descriptor, path)
        except RosettaError:
            os.close(descriptor)
            raise
        # The run that had the lock may have removed the file in between: who comes next makes another.
        if not locked or _is_opened(lock, descriptor):
            return descriptor, locked
        os.close(descriptor)


def _is_locked(descriptor: int, path: PathLike) -> bool:
    """Lock an open file; False where the file system cannot, RosettaError where another run has the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RosettaError(f"another run is writing {str(path)!r}: wait for its end or name another output") from None
    except OSError:
        return False
    return True


def _is_opened(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_leftovers(folder: Path, beginning: str) -> None:
    """Remove what a killed run has left: who has the lock knows that nobody is writing it."""
    for left in folder.glob(f"{beginning}*"):
        with suppress(OSError):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
