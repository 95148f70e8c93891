"""What the terminal shows at the end of a comparison, in 100 columns."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from common.comparison.agreement import Check
from common.comparison.rendering import disturbed, verdict_on_agreement
from common.comparison.reporting.report import Report
from common.comparison.reporting.tables import agreement_table, doctors_lines, flips_lines, without_oracle
from common.comparison.session import RowResult
from common.terminal import console, fitted, plain_table

_PHASES = ("import", "weights", "build", "first", "forward", "backward", "optimiser", "saving")
_DIFFERENCES = tuple(
    f"{what},\n{than}" for than in ("oracle", "float64") for what in ("loss", "gradient", "1 - cosine")
)
_COSINES, _GRADIENTS = _DIFFERENCES[2::3], _DIFFERENCES[1::3]


def print_summary(report: Report, values: Mapping[str, Any], folder: Path) -> None:
    """The tables, the verdicts in words, and where the report is."""
    out = console()
    for agreement in report.algorithm:
        table = fitted(agreement_table(agreement), out, *without_oracle(agreement))
        out.print(table, *flips_lines(agreement), "", sep="\n")
        for words in doctors_lines(agreement):
            out.print(Text(words), highlight=False)
    out.print(fitted(row_agreement_table(report), out, *_COSINES, *_GRADIENTS), "", sep="\n")
    out.print(fitted(timing_table(report), out, "n", "GFLOP/s", "memory", "ceiling", "quartiles"), "", sep="\n")
    out.print(fitted(phases_table(report), out, "weights", "saving", "import", "build", "first"), "", sep="\n")
    for line in verdict_lines(report):
        out.print(line, highlight=False)
    if note := disturbed(values):
        out.print(Text(f"\n{note}", style="bold yellow"))
    out.print(Text(f"\n{verdict_on_agreement(values)}", style="" if report.agrees else "bold red"))
    out.print(f"The report is {folder}/report.html; report.md is to be pasted, report.json to compute with.")


def row_agreement_table(report: Report) -> Table:
    """One line for each row: its differences from the oracle and from its own float64."""
    title = "Each row against the oracle (37x50 px) and against its own backend's float64 (its size)"
    table = plain_table(title, "row", *_DIFFERENCES, "verdict")
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
    title = "Seconds an evaluation (loss and gradient), measured in turns; ceiling: of a matrix product"
    headings = ("median", "quartiles", "n", "to\nfastest", "GFLOP/s", "ceiling", "memory")
    table = plain_table(title, "row", *headings)
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
        return "unranked"
    if ratio := report.against_fastest.get(result.row.name):
        return f"{ratio.ratio:.2f}x"
    return "fastest" if any(ratio.to == result.row.name for ratio in report.ratios) else ""


def phases_table(report: Report) -> Table:
    """One line for each row that was run: seconds by phase."""
    title = "Seconds by phase; forward, backward and optimiser are those of one steady evaluation"
    table = plain_table(title, "row", *_PHASES)
    for result in report.results:
        if result.timing is None:
            continue
        cells = ("" if seconds is None else f"{seconds:.3g}" for seconds in result.all_phases.values())
        table.add_row(escape(result.row.name), *cells)
    return table


def verdict_lines(report: Report) -> Iterator[Text]:
    """Each row against the fastest of its group in words, who arrives when, and what could not be measured."""
    for ratio in report.against_fastest.values():
        yield Text(f"{ratio.row} against {ratio.to}: {ratio.verdict}")
    for group, loss in report.common_losses.items():
        for result in report.in_group(group):
            reached = report.curves[result.row.name].reach(loss) if result.row.name in report.curves else None
            if reached is not None and result.ranked:
                yield Text(f"{result.row.name}: loss {loss:.5g} after {reached[0]} evaluations, {reached[1]:.1f} s")
    for result in report.results:
        if result.why is not None:
            yield Text(f"{result.row.name}: {result.status}: {result.why}", style="yellow")
