"""The known traps, and the changes of the reference that each stands for."""

from common.doctor.hypotheses.catalogue import STAGES, Hypothesis, hypotheses, stage_of
from common.doctor.hypotheses.traps import TRAPS, Trap

__all__ = [
    "STAGES",
    "TRAPS",
    "Hypothesis",
    "Trap",
    "hypotheses",
    "stage_of",
]
