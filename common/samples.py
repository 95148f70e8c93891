"""The sample pictures: both are free, and both come in scikit-image's wheel."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from common.errors import RosettaError


@dataclass(frozen=True)
class Sample:
    """A picture file inside scikit-image, with where it is from and on what terms."""

    filename: str
    licence: str

    @property
    def path(self) -> Path:
        """The file; raise RosettaError when scikit-image is not installed or does not carry it."""
        spec = importlib.util.find_spec("skimage")  # found, not imported
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if (path := Path(folder) / "data" / self.filename).is_file():
                return path
        raise RosettaError(f"scikit-image's {self.filename} is not installed: name a content and a style picture")


CONTENT = Sample("chelsea.png", "Chelsea the cat by Stefan van der Walt, CC0")
STYLE = Sample("ihc.png", "immunohistochemical staining of colonic glands, no known copyright restrictions")
