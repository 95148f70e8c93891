"""What the port doctor finds: one cause each, in sentences and as plain JSON values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from common.doctor.diagnosis.clues import Clue, claims, shared
from common.doctor.hypotheses import Trap
from common.tensors import TensorName

_MOST_NAMED = 3
NOTHING_FITS = "no known trap explains it"


@dataclass(frozen=True, eq=False)
class Finding:
    """One cause: the trap (none where nothing fits), the first tensor that shows it, what it is there, and the clues.

    `also_possible` are traps that give the same numbers, and `also_in` are other tensors of which all clues are true.
    """

    trap: Trap | None
    tensor: str
    detail: str
    clues: tuple[Clue, ...]
    also_possible: tuple[int, ...] = ()
    also_in: tuple[str, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether the cause is rounding and no bug."""
        return self.trap is not None and self.trap.harmless

    @property
    def evidence(self) -> str:
        """The clues in words."""
        return "; ".join(clue.sentence for clue in self.clues)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What findings have in common that are reported as one."""
        if self.trap is not None:
            return self.trap.number, None if self.harmless else self.tensor
        name = TensorName.parse(self.tensor)
        layers = name.tap.rstrip("_0123456789") if name.kind == "features" else "any"
        return None, name.kind, name.step, layers, claims(self.clues)


def grouped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of one kind as one, which names the others: one mistake in every ReLU is not thirteen."""
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.kind, []).append(finding)
    return tuple(map(_as_one, groups.values()))


def _as_one(findings: list[Finding]) -> Finding:
    first, *rest = findings
    # What is said of a trap names its tensor.
    clues = first.clues if first.trap is not None else shared([finding.clues for finding in findings])
    return replace(first, clues=clues, also_in=tuple(finding.tensor for finding in rest))


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing was found but rounding."""
    return all(finding.harmless for finding in findings)


def finding_lines(number: int, finding: Finding) -> Iterator[str]:
    """One finding in sentences, the number in front."""
    if finding.trap is None:
        yield f"{number}. {finding.tensor}: {finding.detail}. What is known: {finding.evidence}."
        yield from _also_in(finding)
        return
    trap = finding.trap
    yield f"{number}. Trap {trap.number}: {trap.title}."
    yield f"   detail: {finding.detail}; first seen in {finding.tensor}"
    yield f"   evidence: {finding.evidence}"
    yield from _also_in(finding)
    if finding.also_possible:
        yield f"   traps that would give the same numbers: {', '.join(map(str, finding.also_possible))}"
    yield f"   fix: {trap.fix}"
    yield f"   seen in: {trap.seen_in}"


def _also_in(finding: Finding) -> Iterator[str]:
    if count := len(finding.also_in):
        last = f" ... {finding.also_in[-1]}" if count > _MOST_NAMED else ""
        yield f"   {count} more of this kind: {', '.join(finding.also_in[:_MOST_NAMED])}{last}"


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding as plain JSON values."""
    trap = finding.trap
    return {
        "trap": trap and trap.number,
        "tensor": finding.tensor,
        "detail": finding.detail,
        "evidence": finding.evidence,
        "clues": [clue.as_json() for clue in finding.clues],
        "also_possible": list(finding.also_possible),
        "also_in": list(finding.also_in),
        "harmless": finding.harmless,
        "title": trap and trap.title,
        "fix": trap and trap.fix,
        "seen_in": trap and trap.seen_in,
    }
