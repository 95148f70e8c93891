"""A variant, run: every tensor of a case as the variant computes it, from what a port has handed over where it has."""

import numpy as np

from common.doctor.reference.loss_run import LossRun
from common.doctor.reference.optimizers import adam_update, lbfgs_points
from common.doctor.reference.pictures import saved_bytes
from common.tensors import LBFGS_CHECKED, LBFGS_EVALUATIONS, Array, Arrays, before_step, tail


class Run(LossRun):
    """Adds the optimisers' first steps, and the picture as a file holds it."""

    def _adam(self, rest: str) -> Array:
        step, what = int(rest.partition("/")[0]), tail(rest)
        if what == "gradient":
            return self.at_step(step).value("gradient/pixels")
        gradients = [self.value(f"adam/{past}/gradient") for past in range(1, step + 1)]
        return self.value(before_step(step)) - adam_update(gradients, self.case.adam, self.variant)

    def at_step(self, step: int) -> "Run":
        """The run at the point that one of Adam's steps is taken from."""
        return self if step == 1 else self.at(self.value(before_step(step)))

    def at(self, pixels: Array) -> "Run":
        """The same variant with the same targets at another point."""
        return Run(self.case, self.variant, {**self.targets, "pixels": pixels})

    def but(self, given: Arrays) -> "Run":
        """The same with some tensors given otherwise."""
        return Run(self.case, self.variant, {**self._given, **given})

    def _lbfgs(self, what: str) -> Array:
        if what == "pixels":
            start, settings = self.value("pixels").ravel(), (self._asked, self.case.lbfgs, self.variant)
            return lbfgs_points(start, self._answer, *settings, self._seen).reshape(-1, *self.case.pixels.shape)
        runs = [self.at(point) for point in self.value("lbfgs/pixels")[:LBFGS_CHECKED]]
        name = "loss/total" if what == "losses" else "gradient/pixels"
        return np.stack([run.expected(name) for run in runs])

    def _seen(self, point: Array) -> Array:
        if not self.variant.clamped:
            return point.copy()
        black, white = (self.maps.to_pixels(np.full(self.case.pixels.shape, level)) for level in (0.0, 1.0))
        return np.clip(point, np.minimum(black, white).ravel(), np.maximum(black, white).ravel())

    @property
    def _asked(self) -> int:
        # One more than a port that stopped early has, so that it is seen to have stopped.
        given = self._given.get("lbfgs/pixels")
        if given is None:
            return LBFGS_EVALUATIONS
        return len(given) + (len(given) < LBFGS_EVALUATIONS)

    def _answer(self, number: int, point: Array) -> tuple[float, Array]:
        """What the port answered at this number, so that a step is judged by what it was taken from."""
        losses, gradients = self._given.get("lbfgs/losses"), self._given.get("lbfgs/gradients")
        if losses is not None and gradients is not None and number < min(len(losses), len(gradients)):
            return float(losses[number]), np.asarray(gradients[number], np.float64).ravel()
        run = self.at(point.reshape(self.case.pixels.shape))
        return float(run.expected("loss/total")), np.asarray(run.expected("gradient/pixels"), np.float64).ravel()

    def _saved(self, _: str) -> Array:
        return saved_bytes(self.case.image, self.variant.saved)
