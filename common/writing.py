"""Files that are written: whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import RosettaError, one_line


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise RosettaError when no file can be written at `path`: its folder, or a folder of that name."""
    target = Path(path)
    if target.is_dir() or not os.access(target.parent, os.W_OK | os.X_OK):
        raise RosettaError(f"cannot save {str(path)!r}: its folder must exist and be writable")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place when the block ends well, and vanishes otherwise.

    Raises RosettaError for what goes wrong with files on the way.
    """
    target = Path(path)
    try:
        temporary = target.with_name(f".part-{secrets.token_hex(8)}{target.suffix}")
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        try:
            yield temporary
            temporary.chmod(mode)  # safetensors writes files for their owner alone
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise RosettaError(f"cannot save {str(path)!r} ({one_line(error)}): make room or name another file") from None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text as UTF-8; an old file is replaced at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
