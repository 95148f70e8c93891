"""How long a run took, phase by phase; time is per evaluation of loss and gradient, never per iteration."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from common.results import RunResult


@dataclass(frozen=True)
class Timing:
    """One run in one process.

    `setup_s` is weights, network and targets; an evaluation is one forward and one backward pass and the
    optimiser's own work. All evaluations are those of the last stage: its first, and the steady ones after it with
    their quartiles (or the first again, where there is no other).
    """

    import_s: float
    setup_s: float
    first_evaluation_s: float
    steady_median_s: float
    steady_quartiles_s: tuple[float, float]
    steady_count: int
    peak_memory_bytes: int
    final_loss: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def summarise(result: RunResult, process: Mapping[str, Any]) -> Timing:
    """The timing of a run, from its steps and from what its process said of itself."""
    last = result.steps[-1].stage
    of_last_stage = [step.duration_s for step in result.steps if step.stage == last]
    steady = of_last_stage[1:] or of_last_stage
    low, median, high = (float(value) for value in np.percentile(steady, (25, 50, 75)))
    return Timing(
        import_s=process["import_s"],
        setup_s=process["weights_s"] + result.setup_s,
        first_evaluation_s=of_last_stage[0],
        steady_median_s=median,
        steady_quartiles_s=(low, high),
        steady_count=len(steady),
        peak_memory_bytes=process["peak_memory_bytes"],
        final_loss=result.losses.total,
    )
