"""From what `--weights` says to the weights themselves."""

import os
from functools import lru_cache
from pathlib import Path

from common.errors import RosettaError, did_you_mean, one_line
from common.input_files import ordinary
from common.vgg19.weight_files import ENVIRONMENT_VARIABLE, KERAS_FILE, TORCHVISION_FILE, find, places
from common.vgg19.weights import Weights, random_weights, read_keras_file, read_torch_file

_READERS = {".h5": read_keras_file, ".hdf5": read_keras_file, ".pth": read_torch_file, ".pt": read_torch_file}
_MOST_DIGITS = 18
_PUBLISHED = {"keras": KERAS_FILE, "torchvision": TORCHVISION_FILE}


def load_weights(source: str | None = None) -> Weights:
    """The weights that `source` names.

    `keras` is the Oxford training as Keras publishes it and the default, `torchvision` is torchvision's own,
    `random` or `random:SEED` is for tests and timing, and anything else is the path of a .h5 or .pth file.
    Without a source, the environment variable STYLE_ROSETTA_WEIGHTS is used if it is set. Raises RosettaError.
    """
    found = _find(source)
    return _read(found) if isinstance(found, Path) else random_weights(_seed(found))


def locate_weights(source: str | None = None) -> str:
    """What `load_weights` would load, for another interpreter: the path of a file, found or downloaded, or a seed."""
    return str(_find(source))


def weight_paths(source: str | None = None) -> tuple[Path, ...]:
    """The paths that `load_weights` may read, whether or not there is a file; nothing is downloaded."""
    source = _named(source)
    return tuple(places(_PUBLISHED[source])) if source in _PUBLISHED else (Path(source),)


def _named(source: str | None) -> str:
    return (os.environ.get(ENVIRONMENT_VARIABLE) or "keras") if source is None else source


def _find(source: str | None) -> Path | str:
    source = _named(source)
    if source in _PUBLISHED:
        return find(_PUBLISHED[source])
    return source if source.split(":")[0] == "random" else Path(source)


def _seed(source: str) -> int:
    digits = "0" if source == "random" else source.removeprefix("random:")
    if not digits.isdecimal() or len(digits) > _MOST_DIGITS:
        raise RosettaError(
            f"the weights {source!r} have no usable seed: write random:0, with up to {_MOST_DIGITS} digits"
        )
    return int(digits)


@lru_cache(maxsize=2)
def _read(path: Path) -> Weights:
    if path.suffix.lower() not in _READERS:
        nearest = did_you_mean(path.name, [*_PUBLISHED, "random"])
        raise RosettaError(
            f"the weights {str(path)!r}{nearest} are neither a Keras .h5 nor a torchvision .pth file: "
            "give the path of one, or keras, torchvision, or random"
        )
    try:
        ordinary(path)
    except FileNotFoundError:
        raise RosettaError(f"there are no weights {str(path)!r}: give the path of a file that exists") from None
    except (OSError, ValueError) as error:
        raise RosettaError(f"cannot read the weights {str(path)!r} ({one_line(error)}): name another file") from None
    return _READERS[path.suffix.lower()](path)
