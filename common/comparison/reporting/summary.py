"""What the terminal shows at the end of a comparison, in 100 columns."""

from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from common.comparison.agreement import Check
from common.comparison.reporting.ranking import Group, RowReport
from common.comparison.reporting.report import Report
from common.comparison.reporting.tables import (
    agreement_table,
    explanation_lines,
    flips_lines,
    verdict_line,
    without_oracle,
    worst_of_each_kind,
)
from common.terminal import console, fitted, plain_table

_PHASES = ("import", "weights", "build", "first", "forward", "backward", "optimizer", "saving")
_DIFFERENCES = tuple(
    f"{quantity},\n{than}" for than in ("oracle", "float64") for quantity in ("loss", "gradient", "1 - cosine")
)
_COSINES, _GRADIENTS = _DIFFERENCES[2::3], _DIFFERENCES[1::3]


def print_summary(report: Report, folder: Path, verbose: bool = False) -> None:
    """The tables, the verdicts in words, and where the report is; every compared quantity only if `verbose`."""
    out = console()
    for agreement in report.algorithm:
        table = agreement_table(agreement if verbose else worst_of_each_kind(agreement))
        out.print(fitted(table, out, *without_oracle(agreement)))
        lines = [verdict_line(agreement), *flips_lines(agreement)]
        out.print(*map(Text, lines), "", sep="\n")
        for line in explanation_lines(agreement):
            out.print(Text(line), highlight=False)
    out.print(fitted(row_agreement_table(report), out, *_COSINES, *_GRADIENTS), "", sep="\n")
    out.print(fitted(timing_table(report), out, "n", "GFLOP/s", "memory", "ceiling", "quartiles"), "", sep="\n")
    out.print(fitted(phases_table(report), out, "weights", "saving", "import", "build", "first"), "", sep="\n")
    for text in verdict_lines(report):
        out.print(text, highlight=False)
    if report.disturbance:
        out.print(Text(f"\n{report.disturbance}", style="bold yellow"))
    out.print(Text(f"\n{report.verdict}", style="" if report.agrees else "bold red"))
    out.print(f"The report is {folder}/report.html; report.md is to be pasted, report.json to compute with.")


def row_agreement_table(report: Report) -> Table:
    """One line for each row: its differences from the oracle and from its own float64."""
    title = "Each row against the oracle (37x50 px) and against its own backend's float64 (its size)"
    table = plain_table(title, "row", *_DIFFERENCES, "verdict")
    for row in report.rows:
        if row.agreement is not None:
            differences = [*_differences(row.agreement.oracle), *_differences(row.agreement.float64)]
            table.add_row(escape(row.name), *differences, "[bold red]DIFFERS" if row.disagrees else "same")
    return table


def _differences(check: Check) -> tuple[str, str, str]:
    return f"{check.loss:.0e}", f"{check.gradient:.0e}", f"{check.cosine_gap:.0e}"


def timing_table(report: Report) -> Table:
    """One line for each row: its time an evaluation, its spread, and how near it is to the ceiling."""
    title = "Seconds an evaluation (loss and gradient), measured in turns; ceiling: of the best matrix product"
    headings = ("median", "quartiles", "n", "to\nfastest", "GFLOP/s", "ceiling", "memory")
    table = plain_table(title, "row", *headings)
    for group in report.groups:
        for row in group.rows:
            table.add_row(*_timing_cells(group, row), style="strike" if row.disagrees else None)
    return table


def _timing_cells(group: Group, row: RowReport) -> tuple[str, ...]:
    timing = row.evaluation
    if timing is None:
        return (escape(row.name), row.status)
    low, high = timing.quartiles_s
    return (
        escape(row.name),
        f"{timing.median_s:.4f}{' noisy' if timing.noisy else ''}",
        f"{low:.4f} to {high:.4f}",
        str(timing.count),
        _against_fastest(group, row),
        "" if row.limit is None else f"{row.limit.flops_per_s / 1e9:.0f}",
        "" if row.limit is None else f"{row.limit.fraction:.0%}",
        "" if row.memory is None else f"{row.memory.resident_bytes / 2**20:.0f} MiB",
    )


def _against_fastest(group: Group, row: RowReport) -> str:
    if not row.ranked:
        return "unranked"
    if ratio := group.against_fastest.get(row.name):
        return f"{ratio.ratio:.2f}x"
    return "fastest" if row == group.fastest else ""


def phases_table(report: Report) -> Table:
    """One line for each row that was timed: seconds by phase."""
    title = "Seconds by phase; forward, backward and optimizer are those of one steady evaluation"
    table = plain_table(title, "row", *_PHASES)
    for row in report.rows:
        if row.evaluation is not None:
            table.add_row(escape(row.name), *("" if s is None else f"{s:.3g}" for s in astuple(row.phases)))
    return table


def verdict_lines(report: Report) -> Iterator[Text]:
    """Each row against the fastest of its group in words, when each arrives, and what could not be measured."""
    for group in report.groups:
        for ratio in group.against_fastest.values():
            yield Text(f"{ratio.row} against {ratio.to}: {ratio.verdict}")
    for group in report.groups:
        for row in group.rows:
            if row.common is not None and row.ranked:
                arrival = f"{row.common.evaluations} evaluations, {row.common.seconds:.1f} s"
                yield Text(f"{row.name}: loss {group.common_loss:.5g} after {arrival}")
    for row in report.rows:
        if row.why is not None:
            yield Text(f"{row.name}: {row.status}: {row.why}", style="yellow")
