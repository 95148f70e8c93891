"""The sample pictures: both are free, and both come in scikit-image's wheel."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from common.errors import RosettaError
from common.writing import PathLike


@dataclass(frozen=True)
class Sample:
    """A picture file inside scikit-image."""

    filename: str

    @property
    def path(self) -> Path:
        """The file; raise RosettaError when scikit-image is not installed or does not carry it."""
        spec = importlib.util.find_spec("skimage")  # found, not imported
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (path := Path(folder) / "data" / self.filename).is_file():
                return path
        raise RosettaError(f"scikit-image's {self.filename} is not installed: name a content and a style picture")


# Chelsea the cat by Stéfan van der Walt, CC0.
CONTENT = Sample("chelsea.png")
# Immunohistochemical staining of colonic glands, no known copyright restrictions.
STYLE = Sample("ihc.png")


def check_pair(content: object, style: object) -> None:
    """Raise RosettaError when one picture is named and the other is not: the samples stand in for both or for none."""
    if (content is None) != (style is None):
        raise RosettaError("name a content and a style picture, or neither for the samples")


def paths(content: PathLike | None, style: PathLike | None) -> tuple[PathLike, PathLike]:
    """The content and the style picture, as they were named: the sample for one that is not."""
    return CONTENT.path if content is None else content, STYLE.path if style is None else style
