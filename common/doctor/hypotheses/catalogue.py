"""All traps in order, and their faults on a case, stage by stage."""

from dataclasses import replace

from common.doctor.hypotheses import inputs, losses, network, optimizers
from common.doctor.hypotheses.trap import Fault, Trap
from common.oracle import Case
from common.tensors import STAGES

# Within a stage, and a rank, traps are tried in the order in which these files define them.
_FILES = (inputs, network, losses, optimizers)
_DEFINED = [trap for file in _FILES for trap in vars(file).values() if isinstance(trap, Trap)]
TRAPS: dict[int, Trap] = {trap.number: trap for trap in sorted(_DEFINED, key=lambda trap: trap.number)}


def hypotheses(case: Case) -> list[Fault]:
    """Every fault of every trap, stage by stage, the simplest first."""
    faults = [replace(fault, trap=trap.number) for trap in _DEFINED if trap.faults for fault in trap.faults(case)]
    return sorted(faults, key=lambda fault: (STAGES.index(fault.stage), fault.rank))
