"""What the port doctor finds: one cause each, in sentences and as plain JSON values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from common.doctor.traps import Trap


@dataclass(frozen=True)
class Finding:
    """One cause: the trap, where it shows first, what it is here, and the numbers; no trap where nothing fits."""

    trap: Trap | None
    tensor: str
    words: str
    evidence: str
    also_possible: tuple[int, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether it is no bug."""
        return self.trap is not None and self.trap.harmless


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing was found but rounding."""
    return all(finding.harmless for finding in findings)


def finding_lines(number: int, finding: Finding) -> Iterator[str]:
    """One finding in sentences, the number in front."""
    if finding.trap is None:
        yield f"{number}. {finding.tensor}: no trap that we know explains it. What is known: {finding.evidence}."
        return
    trap = finding.trap
    yield f"{number}. Trap {trap.number}: {trap.title}."
    yield f"   here: {finding.words}, first seen in {finding.tensor}"
    yield f"   evidence: {finding.evidence}"
    if finding.also_possible:
        yield f"   traps that would give the same numbers: {', '.join(map(str, finding.also_possible))}"
    yield f"   mend: {trap.mend}"
    yield f"   seen in: {trap.seen}"


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as plain JSON values."""
    trap = finding.trap
    return {
        "trap": trap and trap.number,
        "tensor": finding.tensor,
        "here": finding.words,
        "evidence": finding.evidence,
        "also_possible": list(finding.also_possible),
        "harmless": finding.harmless,
        "title": trap and trap.title,
        "mend": trap and trap.mend,
        "seen": trap and trap.seen,
    }
