"""All traps in order, and the faults of each as hypotheses to try on a case, stage by stage."""

from dataclasses import dataclass

from common.doctor.hypotheses import inputs, loss, network, optimizers, pictures, taps, weights
from common.doctor.hypotheses.trap import Trap
from common.doctor.reference import ALL, Case, Changes
from common.tensors import STAGES, Stage

# Within a stage, and a rank, traps are tried in the order in which these files define them.
_FILES = (pictures, weights, inputs, network, taps, loss, optimizers)
_DEFINED = [trap for file in _FILES for trap in vars(file).values() if isinstance(trap, Trap)]
TRAPS: dict[int, Trap] = {trap.number: trap for trap in sorted(_DEFINED, key=lambda trap: trap.number)}


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A trap by its number, what it changes at which stage, and what that means in words."""

    trap: int
    stage: Stage
    changes: Changes
    detail: str

    @property
    def is_late(self) -> bool:
        """Whether every feature map stays as it is."""
        return STAGES.index(self.stage) >= STAGES.index("gram") and "own_style_size" not in self.changes

    @property
    def layer(self) -> str | None:
        """The only layer that is changed; None where there are more."""
        layer = self.changes.get("only_layer") or self.changes.get("dropped_bias")
        return None if layer in (None, ALL) else str(layer)


def hypotheses(case: Case) -> list[Hypothesis]:
    """Every fault of every trap, stage by stage, the simplest first."""
    return [hypothesis for stage in STAGES for hypothesis in _of_stage(stage, case)]


def _of_stage(stage: Stage, case: Case) -> list[Hypothesis]:
    tried = [(trap, fault) for trap in _DEFINED if stage in trap.faults for fault in trap.faults[stage](case)]
    tried.sort(key=lambda pair: pair[1].rank)
    return [Hypothesis(trap.number, stage, fault.changes, fault.detail) for trap, fault in tried]
