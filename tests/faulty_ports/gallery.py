"""The gallery of broken ports: every trap but 31, which is no bug, planted into both real implementations."""

from common.doctor.diagnosis.findings import Diagnosis, Finding
from faulty_ports.inputs import INPUTS
from faulty_ports.losses import LOSSES
from faulty_ports.networks import NETWORKS
from faulty_ports.pictures import PICTURES
from faulty_ports.planting import (
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
from faulty_ports.steps import STEPS
from faulty_ports.taps import TAPS

GALLERY: tuple[Broken, ...] = tuple(
    sorted((*PICTURES, *INPUTS, *NETWORKS, *TAPS, *LOSSES, *STEPS), key=lambda broken: broken.trap)
)
NO_BUG = 31  # rounding makes it by itself
_SAID_BY = {"resized": (24,)}  # traps by the kind of claim that says their mistake


def causes(diagnosis: Diagnosis) -> list[Finding]:
    """What was found but for what rounding does by itself."""
    return [finding for finding in diagnosis.findings if finding.trap is None or finding.trap.number != NO_BUG]


def ranking(finding: Finding) -> tuple[int, ...]:
    """The traps that a finding names, the likeliest first; none where nothing fits.

    A claim in closed form that says a trap's mistake counts as the trap.
    """
    if finding.recognised is not None:
        return _SAID_BY.get(finding.recognised.kind, ())
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
