"""What a worker is told: a job, as a folder that another interpreter can read, and a delay."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import RosettaError
from common.images import Image
from common.problem import Problem
from common.recipes import recipe_from_json, recipe_to_json
from common.vgg19 import load_weights

Arrays = dict[str, NDArray[np.floating]]
LONGEST_TURN_S = 5.0  # after so long a worker begins no further evaluation of a turn


def load_arrays(path: Path) -> Arrays:
    """Every array of an .npz file, by name."""
    with np.load(path) as arrays:
        return dict(arrays)


@dataclass(frozen=True, eq=False, kw_only=True)
class Job:
    """A problem and a point; images are RGB in [0, 1] of shape (H, W, 3).

    `weights_source` is what the problem's weights were loaded from. `image` is where the loss is evaluated, or where a
    transfer starts when the recipe starts from an image.
    """

    problem: Problem
    weights_source: str
    seed: int = 0
    image: Image | None = None

    def write(self, folder: Path) -> None:
        """Write the job into a new folder."""
        folder.mkdir()
        images = {"content": self.problem.content, "style": self.problem.style, "image": self.image}
        there = {name: image for name, image in images.items() if image is not None}
        np.savez(folder / "images.npz", allow_pickle=False, **there)
        values: dict[str, Any] = {name: getattr(self.problem, name) for name in ("precision", "device", "mode")}
        values |= {"recipe": recipe_to_json(self.problem.recipe), "weights": self.weights_source, "seed": self.seed}
        (folder / "job.json").write_text(json.dumps(values))

    @property
    def point(self) -> Image:
        """The image, where one is needed; raise RosettaError where there is none."""
        if self.image is None:
            raise RosettaError("the job needs an image to look at")
        return self.image

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """The inverse of `write`."""
        values = json.loads((folder / "job.json").read_text())
        images = load_arrays(folder / "images.npz")
        image, source, seed = images.pop("image", None), values.pop("weights"), values.pop("seed")
        values |= {**images, "recipe": recipe_from_json(values["recipe"]), "weights": load_weights(source)}
        return cls(problem=Problem(**values), weights_source=source, seed=seed, image=image)


@dataclass(frozen=True)
class Delay:
    """Busy waiting after a piece of work, as fractions of its duration: a part that is timed, and one that is not.

    Waiting has side effects (threads fall asleep, caches cool) that slow the next piece of work. Two rows that wait
    equally long suffer them equally, and differ by the timed part alone.
    """

    timed: float = 0.0
    untimed: float = 0.0


NO_DELAY = Delay()
