"""What the terminal shows at the end of a comparison, in 100 columns."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from common.comparison.presentation.groups import disturbed, verdict_on_agreement
from common.comparison.report import Report
from common.comparison.row_agreement import Check
from common.comparison.row_result import RowResult
from common.comparison.tables import agreement_table, console, flips_lines

_PHASES = ("import", "weights", "build", "first", "forward", "backward", "optimiser", "saving")


def print_summary(report: Report, values: Mapping[str, Any], folder: Path) -> None:
    """The tables, the verdicts in words, and where the report is."""
    out = console()
    for agreement in report.algorithm:
        out.print(agreement_table(agreement), *flips_lines(agreement), "", sep="\n")
    out.print(row_agreement_table(report), "", timing_table(report), "", phases_table(report), "", sep="\n")
    for line in verdict_lines(report):
        out.print(line, highlight=False)
    if note := disturbed(values):
        out.print(Text(f"\n{note}", style="bold yellow"))
    out.print(Text(f"\n{verdict_on_agreement(values)}", style="" if report.agrees else "bold red"))
    out.print(f"The report is {folder}/report.html; report.md is to be pasted, report.json to compute with.")


def row_agreement_table(report: Report) -> Table:
    """One line for each row: its differences from the oracle and from its own float64."""
    table = _table("Each row against the oracle (37x50 px) and against its own backend's float64 (its size)")
    table.add_column("row", no_wrap=True)
    for heading in ("loss, oracle", "gradient", "1 - cosine", "loss, float64", "gradient", "1 - cosine"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for result in report.results:
        if result.agreement is None:
            continue
        differences = [*_differences(result.agreement.oracle), *_differences(result.agreement.float64)]
        verdict = "same" if result.agreement.agrees else "[bold red]DIFFERS"
        table.add_row(escape(result.row.name), *differences, verdict)
    return table


def _differences(check: Check) -> tuple[str, str, str]:
    return f"{check.loss:.0e}", f"{check.gradient:.0e}", f"{check.cosine_gap:.0e}"


def timing_table(report: Report) -> Table:
    """One line for each row: its time an evaluation, its spread, and how near it is to the ceiling."""
    table = _table("Seconds an evaluation (loss and gradient), measured in turns; ceiling: of a matrix product")
    for heading in ("row", "median", "quartiles", "n", "to fastest", "GFLOP/s", "ceiling", "memory"):
        table.add_column(heading, justify="left" if heading == "row" else "right", no_wrap=heading == "row")
    for result in report.results:
        table.add_row(*_timing_cells(report, result), style="strike" if result.disagrees else None)
    return table


def _timing_cells(report: Report, result: RowResult) -> tuple[str, ...]:
    timing = result.timing
    if timing is None:
        return (escape(result.row.name), result.status)
    low, high = timing.quartiles_s
    fraction = "" if result.limit is None else f"{result.limit.fraction:.0%}"
    return (
        escape(result.row.name),
        f"{timing.median_s:.4f}{' noisy' if timing.noisy else ''}",
        f"{low:.4f} to {high:.4f}",
        str(timing.count),
        _against_fastest(report, result),
        "" if result.limit is None else f"{result.limit.flops_per_s / 1e9:.0f}",
        fraction,
        "" if result.memory is None else f"{result.memory.resident_bytes / 2**20:.0f} MiB",
    )


def _against_fastest(report: Report, result: RowResult) -> str:
    if not result.ranked:
        return "not ranked"
    # The slower row stands first in a ratio, so the fastest of a group never does.
    slower = {ratio.row for ratio in report.ratios}
    ratios = [ratio.ratio for ratio in report.ratios if ratio.row == result.row.name and ratio.to not in slower]
    if ratios:
        return f"{ratios[0]:.2f}x"
    return "fastest" if any(ratio.to == result.row.name for ratio in report.ratios) else ""


def phases_table(report: Report) -> Table:
    """One line for each row that was run: seconds by phase."""
    table = _table("Seconds by phase; forward, backward and optimiser are those of one steady evaluation")
    table.add_column("row", no_wrap=True)
    timed = [result for result in report.results if result.timing is not None]
    for heading in _PHASES:
        table.add_column(heading, justify="right")
    for result in timed:
        cells = ("" if seconds is None else f"{seconds:.3g}" for seconds in result.all_phases.values())
        table.add_row(escape(result.row.name), *cells)
    return table


def verdict_lines(report: Report) -> Iterator[Text]:
    """Each row against the fastest of its group in words, who arrives when, and what could not be measured."""
    slower = {ratio.row for ratio in report.ratios}
    for ratio in report.ratios:
        if ratio.to not in slower:
            yield Text(f"{ratio.row} against {ratio.to}: {ratio.verdict}")
    for group, loss in report.common_losses.items():
        for result in report.in_group(group):
            reached = report.curves[result.row.name].reach(loss) if result.row.name in report.curves else None
            if reached is not None and result.ranked:
                yield Text(f"{result.row.name}: loss {loss:.5g} after {reached[0]} evaluations, {reached[1]:.1f} s")
    for result in report.results:
        if result.why is not None:
            yield Text(f"{result.row.name}: {result.status}: {result.why}", style="yellow")


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
