"""What a worker is told: a job, as a folder that another interpreter can read, and a delay."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import RosettaError, one_line
from common.images import Image
from common.input_files import ordinary, read_json
from common.json_values import from_json
from common.problem import Mode, Precision, Problem
from common.recipes import recipe_from_json, recipe_to_json
from common.vgg19 import load_weights

Arrays = dict[str, NDArray[np.floating]]
LONGEST_TURN_S = 5.0  # after so long a worker begins no further evaluation of a turn


def load_arrays(path: Path) -> Arrays:
    """Every array of an .npz file, by name."""
    with np.load(ordinary(path)) as arrays:
        return dict(arrays)


@dataclass(frozen=True, kw_only=True)
class _Described:
    """What a job is but for its images, as JSON has it; `weights` is where they are loaded from."""

    precision: Precision
    device: str
    mode: Mode | None
    tile_px: int | None
    recipe: Mapping[str, Any]
    weights: str
    seed: int


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
        described = _Described(
            precision=self.problem.precision,
            device=self.problem.device,
            mode=self.problem.mode,
            tile_px=self.problem.tile_px,
            recipe=recipe_to_json(self.problem.recipe),
            weights=self.weights_source,
            seed=self.seed,
        )
        (folder / "job.json").write_text(json.dumps(vars(described)))

    @property
    def point(self) -> Image:
        """The image, where one is needed; raise RosettaError where there is none."""
        if self.image is None:
            raise RosettaError("the job needs an image to look at")
        return self.image

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """The inverse of `write`; raise RosettaError for a folder that holds no job."""
        try:
            described = from_json(_Described, read_json(folder / "job.json"))
            recipe = recipe_from_json(described.recipe, "recipe")
            images = load_arrays(folder / "images.npz")
            image, content, style = images.get("image"), images["content"], images["style"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise RosettaError(f"{str(folder)!r} holds no job ({one_line(error)}): write one by Job.write") from None
        weights = load_weights(described.weights)
        arithmetic = described.precision, described.device, described.mode, described.tile_px
        problem = Problem(content, style, recipe, weights, *arithmetic)
        return cls(problem=problem, weights_source=described.weights, seed=described.seed, image=image)


@dataclass(frozen=True)
class Delay:
    """Busy waiting after a piece of work, as fractions of its duration: a part that is timed, and one that is not.

    Waiting has side effects (threads fall asleep, caches cool) that slow the next piece of work. Two rows that wait
    equally long suffer them equally, and differ by the timed part alone.
    """

    timed: float = 0.0
    untimed: float = 0.0


NO_DELAY = Delay()
