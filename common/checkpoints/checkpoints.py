"""When the state of a run is saved, which picture was the best so far, and how the run is asked to stop."""

import time

from common.checkpoints.run_folder import RunFolder
from common.checkpoints.state import Evaluated, State
from common.checkpoints.told_file import ToldFile
from common.errors import RosettaError, StoppedError, say
from common.images import Image
from common.points import Point
from common.problem import Pixels, Problem
from common.writing import reason

_EVERY_S = 60.0


class Checkpoints:
    """Saves the state of a run to a folder every `every` evaluations, or about once a minute, and when it is stopped.

    With `every` 0 the state is saved when the run is stopped, and else never. `state` is where the run goes on, and
    `saved_evaluations` are those of the state that was saved last, 0 where there is none. A state that cannot be saved
    is said once, and the run goes on without.
    """

    def __init__(self, folder: RunFolder, state: State | None = None, every: int | None = None) -> None:
        self.state, self._folder, self._every = state, folder, every
        self.saved_evaluations = len(state.steps) if state else 0
        self._saved_s = time.monotonic()
        self._signal: int | None = None
        self._is_writing = True

    def starts(self, stage: int, problem: Problem, start: Point) -> None:
        """A stage starts, whose `problem` has its images at their size, or goes on where it was interrupted."""
        self._problem, self._start = problem, start
        self._variable: Pixels = start.pixels
        state, self.state = self.state, None
        self._told = ToldFile(self._folder.told_path(stage), state.told if state else ())
        self._best, self._best_loss = (state.best, state.best_loss) if state else (start.pixels, float("inf"))

    def evaluated(self, run: Evaluated) -> None:
        """Keep what is wanted of an evaluation; raise StoppedError when the run was asked to stop."""
        pixels = run.pixels.astype(self._start.pixels.dtype, copy=False)  # SciPy's are float64
        at = self._variable if run.told is None else pixels  # Adam has moved on from where the loss was evaluated
        if run.steps[-1].losses.total < self._best_loss:
            self._best, self._best_loss = at, run.steps[-1].losses.total
        self._variable = pixels
        self._keep(run)
        if self._signal is not None:
            raise StoppedError(self._signal)

    def stop(self, signal: int) -> None:
        """Ask the run to stop after its evaluation."""
        self._signal = signal

    def remove(self) -> None:
        """Remove what was kept: the picture is saved, or the run diverged. Where that fails a warning says so."""
        try:
            self._folder.remove()
        except RosettaError as error:
            say(f"warning: {error}")

    def best(self) -> Image:
        """The picture of the lowest loss in the stage."""
        return self._problem.image(self._best)

    def _keep(self, run: Evaluated) -> None:
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
            folder = str(self._folder.path)
            say(f"warning: the checkpoint {folder!r} cannot be saved ({reason(error)}): the run goes on without")

    def _is_due(self, run: Evaluated) -> bool:
        if self._signal is not None:
            return True
        if self._every is not None:
            return self._every > 0 and len(run.steps) % self._every == 0
        return time.monotonic() - self._saved_s >= _EVERY_S

    def _save(self, run: Evaluated) -> None:
        point = Point(self._variable, run.moments())
        if run.told is not None:
            point = self._start if self._told.is_whole else Point(self._best)
        self._told.write()
        state = State(run.steps[-1].stage, run.left, point, tuple(run.steps), self._best, self._best_loss)
        self._folder.save(state, self._told.checksums)
        self.saved_evaluations = len(run.steps)
        self._saved_s = time.monotonic()
