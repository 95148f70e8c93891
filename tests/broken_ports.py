"""The gallery of broken ports: every trap but 31, which is no bug, planted into both real implementations."""

from broken_inputs import INPUTS
from broken_losses import LOSSES
from broken_networks import NETWORKS
from broken_pictures import PICTURES
from broken_planting import (
    Broken,
    Port,
    Setting,
    Tensors,
    broken_port,
    case_for,
    compatible,
    healthy_port,
    precision_for,
    tensors_of,
)
from broken_steps import STEPS
from broken_taps import TAPS

from common.doctor.diagnosis import Diagnosis, Finding

GALLERY: tuple[Broken, ...] = tuple(
    sorted((*PICTURES, *INPUTS, *NETWORKS, *TAPS, *LOSSES, *STEPS), key=lambda broken: broken.trap)
)
NO_BUG = 31  # rounding makes it by itself


def causes(diagnosis: Diagnosis) -> list[Finding]:
    """What was found but for what rounding does by itself."""
    return [finding for finding in diagnosis.findings if finding.trap is None or finding.trap.number != NO_BUG]


def ranking(finding: Finding) -> tuple[int, ...]:
    """The traps that a finding names, the likeliest first; none where nothing fits."""
    return () if finding.trap is None else (finding.trap.number, *finding.also_possible)


__all__ = [
    "GALLERY",
    "NO_BUG",
    "Broken",
    "Port",
    "Setting",
    "Tensors",
    "broken_port",
    "case_for",
    "causes",
    "compatible",
    "healthy_port",
    "precision_for",
    "ranking",
    "tensors_of",
]
