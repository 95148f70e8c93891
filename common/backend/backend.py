"""What a backend makes and what is measured of it: its package writes an objective, and the rest follows."""

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from common.backend import measured
from common.backend.measured import DeviceMemory
from common.checkpoints import Checkpoints
from common.images import Image
from common.objective import Objective, check_objective
from common.problem import Features, Network, Pixels, Problem, check_image
from common.recipes import adam_of, lbfgs_of
from common.recorder import OnStep, Recorder
from common.results import LossTerms, RunResult
from common.stages import run_stages
from common.tensors import adam_tensors, lbfgs_tensors, picture_tensors, recorded_tensors, target_tensors
from common.tiles import TiledObjective, TileWorker, WorkersOf
from common.vgg19 import cut, smallest_side_px


class Backend:
    """A backend's package with its framework imported; images are RGB in [0, 1] of shape (H, W, 3).

    The package's module `objective` has a class `Objective`, which derives from that of `common.objective`, and a
    function `features`. Its module `device` has those functions of `common.backend.measured` that the framework can
    answer. `tile_workers` compute the tiles of pictures. Raises AttributeError or RosettaError for a package that lacks
    what has no default.
    """

    def __init__(self, package: str, tile_workers: WorkersOf = TileWorker) -> None:
        self.package, self._tile_workers = package, tile_workers
        self._pictures = import_module(f"{package}.objective")
        check_objective(self._pictures.Objective, self._pictures.features)
        device = import_module(f"{package}.device") if find_spec(f"{package}.device") else measured

        def answer(name: str) -> Any:
            return getattr(device, name, getattr(measured, name))

        self.best_device: Callable[[], str] = answer("best_device")
        self.check_arithmetic: Callable[[Network], None] = answer("check_arithmetic")
        self.peak_memory: Callable[[Network], DeviceMemory | None] = answer("peak_memory")
        self.environment: Callable[[Network], dict[str, Any]] = answer("environment")
        self.matrix_product: Callable[[int, Network], Callable[[], object]] = answer("matrix_product")

    def Objective(self, problem: Problem) -> Objective:  # noqa: N802
        """The loss of a problem, ready to be evaluated; in tiles where a picture is larger than one."""
        if problem.is_tiled:
            return TiledObjective(problem, self.package, self._pictures.Objective, self._tile_workers)
        objective: Objective = self._pictures.Objective(problem)
        return objective

    def features(self, image: Image, taps: Iterable[str], network: Network) -> Features:
        """Feature maps of shape (H, W, C) by tap; RosettaError for bad input."""
        taps = tuple(taps)
        check_image("image", image, smallest_side_px(taps))
        features: Features = self._pictures.features(image, taps, network)
        return features

    def loss_terms(self, image: Image, problem: Problem) -> LossTerms:
        """Every loss term at an image; RosettaError for bad input."""
        return self.Objective(problem).loss_terms(problem.pixels(image))

    def value_and_grad(self, image: Image, problem: Problem) -> tuple[LossTerms, Pixels]:
        """The loss terms at an image, and the gradient (H, W, 3) in the recipe's pixel space and channel order."""
        return self.Objective(problem).evaluate(problem.pixels(image))

    def stylize(
        self,
        problem: Problem,
        init: Image | None = None,
        seed: int = 0,
        on_step: OnStep | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> RunResult:
        """Run a recipe's stages and return the picture with every step; RosettaError for bad input.

        `init` is the image to start from when the recipe starts from one, `seed` decides the noise when it starts from
        that, and `on_step` is called after every evaluation. `checkpoints` keep what an interrupted run goes on from.
        """
        return run_stages(self.Objective, init, seed, Recorder(problem, on_step, checkpoints))

    def tensors(self, image: Image, problem: Problem) -> Features:
        """Every tensor that the port doctor examines, by its name; arrays are (H, W, C)."""
        objective, pixels = self.Objective(problem), problem.pixels(image)
        with objective.scope():
            return {
                **picture_tensors(image, problem),
                **target_tensors(objective),
                **recorded_tensors(objective, pixels, [layer.name for layer in cut(problem.recipe.taps)]),
                **adam_tensors(objective, pixels, adam_of(problem.recipe)),
                **lbfgs_tensors(objective.evaluate, pixels, lbfgs_of(problem.recipe)),
            }

    def evaluation_tensors(self, image: Image, problem: Problem, layers: Iterable[str]) -> Features:
        """The part of `tensors` that one evaluation computes, with the feature maps of `layers` and of the taps.

        Feature maps are of the image after its rounding to the optimized variable.
        """
        objective = self.Objective(problem)
        with objective.scope():
            return recorded_tensors(objective, problem.pixels(image), layers)

    def check_precisions(self, problem: Problem) -> None:
        """Raise RosettaError when the problem's device lacks a precision that a stage computes in."""
        for network in problem.networks:
            self.check_arithmetic(network)
