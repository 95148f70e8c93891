"""What the terminal shows at the end of a comparison, in 100 columns."""

import math
import re
from collections.abc import Iterator
from dataclasses import astuple, replace
from itertools import groupby
from pathlib import Path

from rich.table import Table
from rich.text import Text

from common.comparison.agreement import ORACLE, Agreement, Quantity
from common.comparison.published import where
from common.comparison.reporting.report import Report
from common.comparison.reporting.rows import Group, RowReport
from common.terminal import console, fitted, plain_table

_MOST_PAIRS = 3
_DIFFERS = Text("DIFFERS", "bold red")
_PHASES = ("import", "weights", "build", "first", "forward", "backward", "optimizer", "saving")
_DIFFERENCES = tuple(
    f"{quantity},\n{than}" for than in ("oracle", "float64") for quantity in ("loss", "gradient", "1 - cosine")
)


def print_summary(report: Report, folder: Path, verbose: bool = False) -> None:
    """The tables, the verdicts in words, and where the report is; every compared quantity only if `verbose`."""
    out = console()
    for agreement in report.algorithm:
        table = agreement_table(agreement if verbose else worst_of_each_kind(agreement))
        out.print(fitted(table, out, *(it for it in _pairs(agreement) if not it.endswith(f"-{ORACLE}"))))
        flips = [
            f"{name}: {flips.relu} of {flips.relu_decisions} ReLU signs and {flips.pool} of "
            f"{flips.pool_decisions} max-pool choices differ from the oracle's."
            for name, flips in agreement.flips.items()
            if flips.any
        ]
        out.print(*map(Text, [verdict_line(agreement), *flips]), "", sep="\n")
        for line in explanation_lines(agreement):
            out.print(line, highlight=False)
    out.print(fitted(row_agreement_table(report), out, *_DIFFERENCES[2::3], *_DIFFERENCES[1::3]), "", sep="\n")
    out.print(fitted(timing_table(report), out, "n", "GFLOP/s", "memory", "ceiling", "quartiles"), "", sep="\n")
    out.print(fitted(phases_table(report), out, "weights", "saving", "import", "build", "first"), "", sep="\n")
    for text in verdict_lines(report):
        out.print(text, highlight=False)
    if report.disturbance:
        out.print(Text(f"\n{report.disturbance}", style="bold yellow"))
    out.print(Text(f"\n{report.verdict}", style="" if report.agrees else "bold red"))
    out.print(f"The report is {folder}/report.html; report.md is to be pasted, report.json to compute with.")


def worst_of_each_kind(agreement: Agreement) -> Agreement:
    """The same with one quantity of the features, of the losses and of the gradient: the nearest to its tolerance."""

    def use_of_tolerance(row: Quantity) -> float:
        if row.bound is None:
            return -1.0
        return max(math.inf if math.isnan(value) else value for value in row.differences.values()) / row.bound

    kinds = groupby(agreement.rows, key=lambda row: re.split(r"\W", row.quantity)[0])
    return replace(agreement, rows=tuple(max(rows, key=use_of_tolerance) for _, rows in kinds))


def verdict_line(agreement: Agreement) -> str:
    """How many of the quantities are within their tolerances."""
    judged = [row for row in agreement.rows if row.bound is not None]
    title = where(agreement.precision, agreement.size_px)
    if wrong := [row.quantity for row in judged if not row.agrees]:
        return f"{title}: {len(wrong)} of {len(judged)} quantities DIFFER: {', '.join(wrong)}"
    return f"{title}: all {len(judged)} quantities are within their tolerances"


def agreement_table(agreement: Agreement) -> Table:
    """Relative differences by pair, with the tolerance and the verdict of each quantity."""
    title = f"Relative differences, {where(agreement.precision, agreement.size_px)}"
    table, pairs = Table(title=title, title_justify="left"), _pairs(agreement)
    table.add_column("quantity", no_wrap=True)
    for heading in (*pairs, "tolerance"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in agreement.rows:
        cells = [f"{row.differences[pair]:.1e}" if pair in row.differences else "" for pair in pairs]
        table.add_row(row.quantity, *cells, "" if row.bound is None else f"{row.bound:.0e}", verdict_cell(row))
    return table


def _pairs(agreement: Agreement) -> list[str]:
    # All pairs where there is room for them, and otherwise those that say who is wrong.
    pairs = list(agreement.rows[0].differences)
    return pairs if len(pairs) <= _MOST_PAIRS else [pair for pair in pairs if pair.endswith(f"-{ORACLE}")]


def verdict_cell(row: Quantity) -> str | Text:
    """What a table says of a quantity."""
    if row.bound is None:
        return "reported"
    return "same" if row.agrees else _DIFFERS


def explanation_lines(agreement: Agreement) -> Iterator[str]:
    """What the port doctor says of each backend in which it finds more than rounding."""
    for name, explanations in agreement.explained.items():
        yield f"What the port doctor finds in {name}:"
        for number, explanation in enumerate(explanations, start=1):
            yield f"{number}. {explanation.sentence}"


def row_agreement_table(report: Report) -> Table:
    """One line for each row: its differences from the oracle and from its own float64."""
    title = "Each row against the oracle (37x50 px) and against its own backend's float64 (its size)"
    table = plain_table(title, "row", *_DIFFERENCES, "verdict")
    for row in report.rows:
        if row.agreement is not None:
            checks = (row.agreement.oracle, row.agreement.float64)
            differences = [f"{it:.0e}" for check in checks for it in (check.loss, check.gradient, check.cosine_gap)]
            table.add_row(row.name, *differences, _DIFFERS if row.disagrees else "same")
    return table


def timing_table(report: Report) -> Table:
    """One line for each row: its time an evaluation, its spread, and how near it is to the ceiling."""
    title = "Seconds an evaluation (loss and gradient), measured in turns; ceiling: of the best matrix product"
    table = plain_table(title, "row", "median", "quartiles", "n", "to\nfastest", "GFLOP/s", "ceiling", "memory")
    for group in report.groups:
        for row in group.rows:
            table.add_row(*_timing_cells(group, row), style="strike" if row.disagrees else None)
    return table


def _timing_cells(group: Group, row: RowReport) -> tuple[str, ...]:
    timing = row.evaluation
    if timing is None:
        return (row.name, row.status)
    (low, high), ratio = timing.quartiles_s, group.against_fastest.get(row.name)
    against_fastest = f"{ratio.ratio:.2f}x" if ratio else "fastest" if row == group.fastest else ""
    return (
        row.name,
        f"{timing.median_s:.4f}{' noisy' if timing.noisy else ''}",
        f"{low:.4f} to {high:.4f}",
        str(timing.count),
        against_fastest if row.ranked else "unranked",
        "" if row.limit is None else f"{row.limit.flops_per_s / 1e9:.0f}",
        "" if row.limit is None else f"{row.limit.fraction:.0%}",
        "" if row.memory is None else f"{row.memory.resident_bytes / 2**20:.0f} MiB",
    )


def phases_table(report: Report) -> Table:
    """One line for each row that was timed: seconds by phase."""
    title = "Seconds by phase; forward, backward and optimizer are those of one steady evaluation"
    table = plain_table(title, "row", *_PHASES)
    for row in report.rows:
        if row.evaluation is not None:
            table.add_row(row.name, *("" if s is None else f"{s:.3g}" for s in astuple(row.phases)))
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
