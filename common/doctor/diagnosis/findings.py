"""What the port doctor finds: one cause each, in sentences and as plain JSON values."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from common.doctor.hypotheses import Trap
from common.vgg19 import NAMES

_MOST_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """One cause: the trap, where it shows first, what it is here, and the numbers; no trap where nothing fits."""

    trap: Trap | None
    tensor: str
    words: str
    evidence: str
    also_possible: tuple[int, ...] = ()
    also_in: tuple[str, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether it is no bug."""
        return self.trap is not None and self.trap.harmless

    @property
    def kind(self) -> tuple[int | None, str, str]:
        """What findings have in common that are reported as one."""
        if self.trap is not None:
            return self.trap.number, "" if self.harmless else self.tensor, ""
        kind, _, rest = self.tensor.rpartition("/")
        layers = rest.rstrip("_0123456789") if kind == "features" else "any" if rest in NAMES else rest
        return None, f"{kind}/{layers}", re.sub(r"[-+.\de]+", "#", self.evidence.partition(";")[0])


def grouped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings of one kind as one, which names the others: one mistake in every ReLU is not thirteen."""
    groups: dict[tuple[int | None, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.kind, []).append(finding)
    return tuple(replace(first, also_in=tuple(it.tensor for it in rest)) for first, *rest in groups.values())


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing was found but rounding."""
    return all(finding.harmless for finding in findings)


def finding_lines(number: int, finding: Finding) -> Iterator[str]:
    """One finding in sentences, the number in front."""
    if finding.trap is None:
        yield f"{number}. {finding.tensor}: no trap that we know explains it. What is known: {finding.evidence}."
        yield from _also_in(finding)
        return
    trap = finding.trap
    yield f"{number}. Trap {trap.number}: {trap.title}."
    yield f"   here: {finding.words}, first seen in {finding.tensor}"
    yield f"   evidence: {finding.evidence}"
    yield from _also_in(finding)
    if finding.also_possible:
        yield f"   traps that would give the same numbers: {', '.join(map(str, finding.also_possible))}"
    yield f"   mend: {trap.mend}"
    yield f"   seen in: {trap.seen}"


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
        "here": finding.words,
        "evidence": finding.evidence,
        "also_possible": list(finding.also_possible),
        "also_in": list(finding.also_in),
        "harmless": finding.harmless,
        "title": trap and trap.title,
        "mend": trap and trap.mend,
        "seen": trap and trap.seen,
    }
