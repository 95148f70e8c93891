"""The folder of a reference bundle: written whole or not at all, and never among other files."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import RosettaError, one_line

TENSORS, MANIFEST = "tensors.safetensors", "manifest.json"
COMPUTED_BY = "style-rosetta's oracle, float64"


def check_bundle_folder(folder: Path) -> None:
    """Raise RosettaError when a bundle cannot be written into a folder, or would be among other files."""
    try:
        nearest = next(it for it in (folder, *folder.absolute().parents) if it.exists() or it.is_symlink())
        usable = nearest.is_dir() and os.access(nearest, os.R_OK | os.W_OK | os.X_OK)
        strangers = usable and folder.is_dir() and {it.name for it in folder.iterdir()} - earlier_files(folder)
    except OSError as error:
        raise RosettaError(f"cannot write into the folder {str(folder)!r} ({one_line(error)}): name another") from None
    if not usable:
        raise RosettaError(f"cannot write into the folder {str(folder)!r}: name another")
    if strangers:
        raise RosettaError(
            f"{str(folder)!r} holds other files ({min(strangers)}): name a new folder, or that of an earlier bundle"
        )


@contextmanager
def replacing_bundle(folder: Path) -> Iterator[Path]:
    """A temporary folder whose files take the place of an earlier bundle's when the block ends well.

    Raises RosettaError for what goes wrong with files on the way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as name:
            # The earlier bundle's pictures may be what the new one is made of: they are removed last.
            yield (part := Path(name))
            for file in earlier_files(folder):
                (folder / file).unlink(missing_ok=True)
            for path in part.iterdir():
                path.replace(folder / path.name)
    except OSError as error:
        raise RosettaError(f"cannot write the bundle {str(folder)!r} ({one_line(error)}): name another") from None


def earlier_files(folder: Path) -> set[str]:
    """The files of an earlier bundle in a folder; empty where there is none."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["computed by"] == COMPUTED_BY:
            return {TENSORS, MANIFEST, *(Path(name).name for name in manifest["pictures"].values() if name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return set()
