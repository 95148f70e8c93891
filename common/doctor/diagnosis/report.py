"""A diagnosis for the terminal, as Markdown, and as plain JSON values."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from common.doctor.diagnosis.findings import Diagnosis, Finding
from common.doctor.diagnosis.judge import Judged
from common.errors import printable
from common.terminal import fitted, plain_table

_HEADINGS = ("shape", "layout", "relative\nL2", "largest", "cosine", "from its\nown inputs", "verdict")
_STYLES = {"same": None, "inherits": "yellow", "differs": "bold red"}
_MOST_NAMED = 3
SCHEMA = 2


def print_diagnosis(
    out: Console, title: str, diagnosis: Diagnosis, layouts: Mapping[str, str], verbose: bool = False
) -> None:
    """The table in data-flow order, then what is wrong and why; with `verbose`, also the statistics of differences."""
    table = plain_table(printable(title), "tensor", *_HEADINGS)
    for row in diagnosis.rows:
        table.add_row(row.name, *_cells(row, diagnosis, layouts), style=_STYLES[row.verdict])
    out.print(fitted(table, out, "cosine", "largest", "shape", "layout"), "", sep="\n")
    for line in _lines(diagnosis, verbose):
        out.print(line, highlight=False)


def to_markdown(title: str, diagnosis: Diagnosis, layouts: Mapping[str, str]) -> str:
    """The same as Markdown."""
    headings = ["tensor", *(heading.replace("\n", " ") for heading in _HEADINGS)]
    rows = [f"| {' | '.join([f'`{row.name}`', *_cells(row, diagnosis, layouts)])} |" for row in diagnosis.rows]
    table = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}", *rows]
    return "\n".join([f"## {title}", "", *table, "", *_lines(diagnosis, verbose=True), ""])


def _cells(row: Judged, diagnosis: Diagnosis, layouts: Mapping[str, str]) -> tuple[str, ...]:
    far = row.from_reference
    first = " (first)" if diagnosis.first is not None and row.name == diagnosis.first.name else ""
    shape = "x".join(map(str, row.shape)) or "scalar"
    cosine = "" if math.isnan(far.cosine) else f"{far.cosine:.6f}"
    numbers = (f"{far.relative:.1e}", f"{far.largest:.1e}", cosine, f"{row.from_own.relative:.1e}")
    return shape, layouts.get(row.name, ""), *numbers, f"{row.verdict}{first}"


def _lines(diagnosis: Diagnosis, verbose: bool) -> Iterator[str]:
    """The diagnosis in sentences."""
    if not diagnosis.findings:
        yield "Nothing differs: every tensor is the reference's within rounding."
        return
    inherited = sum(row.verdict == "inherits" for row in diagnosis.rows)
    if diagnosis.first is not None:
        yield f"The first tensor that differs is {diagnosis.first.name}; {inherited} later ones inherit it."
    for number, finding in enumerate(diagnosis.findings, start=1):
        yield ""
        yield from finding_lines(number, finding, verbose)


def finding_lines(number: int, finding: Finding, verbose: bool = True) -> Iterator[str]:
    """One finding in sentences, the number in front."""
    trap, also_in = finding.trap, finding.also_in
    evidence = finding.evidence if verbose else finding.main_evidence
    if finding.recognised is not None:
        yield f"{number}. {finding.tensor}: {finding.detail}."
    elif trap is None:
        yield f"{number}. {finding.tensor}: {finding.detail}. What is known: {evidence}."
    else:
        yield f"{number}. Trap {trap.number}: {trap.title}."
        yield f"   detail: {finding.detail}; first seen in {finding.tensor}"
        yield f"   evidence: {evidence}"
    if also_in:
        last = f" ... {also_in[-1]}" if len(also_in) > _MOST_NAMED else ""
        yield f"   {len(also_in)} more of this kind: {', '.join(also_in[:_MOST_NAMED])}{last}"
    if finding.also_possible:
        yield f"   traps that would give the same numbers: {', '.join(map(str, finding.also_possible))}"
    if finding.fix is not None:
        yield f"   fix: {finding.fix}"
    if trap is not None:
        yield f"   seen in: {trap.seen_in}"


def to_json(title: str, diagnosis: Diagnosis, layouts: Mapping[str, str]) -> dict[str, Any]:
    """The same as plain JSON values; what is not finite is null."""
    return {
        "schema": SCHEMA,
        "title": title,
        "healthy": diagnosis.healthy,
        "first": diagnosis.first and diagnosis.first.name,
        "tensors": [_row_json(row, layouts) for row in diagnosis.rows],
        "findings": [finding_json(finding) for finding in diagnosis.findings],
    }


def _row_json(row: Judged, layouts: Mapping[str, str]) -> dict[str, Any]:
    far = row.from_reference
    numbers = {"relative_l2": far.relative, "largest": far.largest, "cosine": far.cosine}
    numbers |= {"relative_l2_from_own_inputs": row.from_own.relative, "tolerance": row.tolerance}
    finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    layout = layouts.get(row.name)
    return {"name": row.name, "shape": list(row.shape), "layout": layout, **finite, "verdict": row.verdict}


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
        "fix": finding.fix,
        "seen_in": trap and trap.seen_in,
    }
