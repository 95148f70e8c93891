"""A job: what one worker process is to work on, as a folder that another interpreter can read."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.images import Image
from common.problem import Mode, Precision, Problem
from common.recipes import Recipe, recipe_from_json, recipe_to_json
from common.vgg19 import load_weights


@dataclass(frozen=True, eq=False)
class Job:
    """A problem and a point; images are RGB in [0, 1] of shape (H, W, 3).

    `image` is where the loss is evaluated, or where a transfer starts when the recipe starts from an image.
    """

    recipe: Recipe
    weights: str | None
    precision: Precision
    device: str
    mode: Mode
    seed: int
    content: Image
    style: Image
    image: Image | None = None

    def problem(self) -> Problem:
        """The problem as the backends take it."""
        weights = load_weights(self.weights)
        return Problem(self.content, self.style, self.recipe, weights, self.precision, self.device, self.mode)

    def write(self, folder: Path) -> None:
        """Write the job into a new folder."""
        folder.mkdir()
        images = {
            name: getattr(self, name) for name in ("content", "style", "image") if getattr(self, name) is not None
        }
        np.savez(folder / "images.npz", allow_pickle=False, **images)
        values = {name: value for name, value in vars(self).items() if name not in ("content", "style", "image")}
        values["recipe"] = recipe_to_json(self.recipe)
        (folder / "job.json").write_text(json.dumps(values))

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """The inverse of `write`."""
        values = json.loads((folder / "job.json").read_text())
        values["recipe"] = recipe_from_json(values["recipe"])
        with np.load(folder / "images.npz") as images:
            return cls(**values, **{name: images[name] for name in images.files})


Arrays = dict[str, NDArray[np.floating]]
