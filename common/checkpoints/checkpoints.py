"""When the state of a run is saved, which picture was the best so far, and how the run is asked to stop."""

import time

from common.checkpoints.run_folder import RunFolder
from common.checkpoints.state import Evaluated, State
from common.checkpoints.told_file import ToldFile
from common.errors import RosettaError, StoppedError, one_line, say
from common.images import Image
from common.points import Point
from common.problem import Pixels, Problem

_EVERY_S = 60.0


class Checkpoints:
    """Saves the state of a run to a folder every `every` evaluations, or about once a minute, and when it is stopped.

    With `every` 0 the state is saved when the run is stopped, and else never. `state` is where the run goes on. A disk
    that is full is said once, and the run goes on without.
    """

    def __init__(self, folder: RunFolder, state: State | None = None, every: int | None = None) -> None:
        self.state, self._folder, self._every = state, folder, every
        self._saved_s = time.monotonic()
        self._signal: int | None = None
        self._is_writing = True
        self._told = ToldFile(folder.told_path(state.stage), state.told) if state else ToldFile(folder.path)

    def starts(self, stage: int, problem: Problem, start: Point) -> None:
        """A stage starts, whose `problem` has its images at their size, or goes on where it was interrupted."""
        self._problem, self._start = problem, start
        self._ahead: Pixels = start.pixels
        if self.state is None:
            self._told = ToldFile(self._folder.told_path(stage))
            self._best, self._best_loss = start.pixels, float("inf")
        else:
            self._best, self._best_loss = self.state.best, self.state.best_loss
        self.state = None

    def evaluated(self, run: Evaluated) -> None:
        """Keep what is wanted of an evaluation; raise StoppedError when the run was asked to stop."""
        pixels = run.pixels.astype(self._start.pixels.dtype, copy=False)  # SciPy's are float64
        at = self._ahead if run.told is None else pixels  # Adam has moved on from where the loss was evaluated
        if run.steps[-1].losses.total < self._best_loss:
            self._best, self._best_loss = at, run.steps[-1].losses.total
        self._ahead = pixels
        self._attempt(run)
        if self._signal is not None:
            raise StoppedError(self._signal)

    def stop(self, signal: int) -> None:
        """Ask the run to stop after its evaluation."""
        self._signal = signal

    def finished(self) -> None:
        """Remove what was kept: the picture is saved."""
        self._folder.remove()

    @property
    def is_kept(self) -> bool:
        """Whether the run can go on from what was saved last."""
        return self._is_writing

    def best(self) -> Image:
        """The picture of the lowest loss in the stage."""
        return self._problem.image(self._best)

    def _attempt(self, run: Evaluated) -> None:
        if not self._is_writing:
            return
        try:
            self._folder.log(run.steps[-1])
            if run.told is not None:
                self._told.add(run.told)
            if self._is_due(run):
                self._save(run)
        except (OSError, RosettaError) as error:
            self._is_writing = False
            say(f"warning: no checkpoint can be kept ({one_line(error)}): the run goes on without")

    def _is_due(self, run: Evaluated) -> bool:
        if self._signal is not None:
            return True
        if self._every is not None:
            return self._every > 0 and len(run.steps) % self._every == 0
        return time.monotonic() - self._saved_s >= _EVERY_S

    def _save(self, run: Evaluated) -> None:
        point = Point(self._ahead, run.moments())
        if run.told is not None:
            point = self._start if self._told.is_whole else Point(self._best)
        self._told.write()
        state = State(run.steps[-1].stage, run.left, point, tuple(run.steps), self._best, self._best_loss)
        self._folder.save(state, self._told.checksums)
        self._saved_s = time.monotonic()
