"""What the terminal shows of a comparison, in 100 columns: each part when it is known, and the conclusions."""

import math
import re
from collections.abc import Iterator
from dataclasses import astuple, replace
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from common.comparison.agreement import ORACLE, Agreement, Quantity
from common.comparison.published import where
from common.comparison.reporting.report import Report
from common.comparison.reporting.rows import Group, RowReport
from common.comparison.session import Part
from common.terminal import console, fitted, plain_table

_MOST_PAIRS = 3
_DIFFERS = Text("DIFFERS", "bold red")
_PHASES = ("import", "weights", "build", "first", "forward", "backward", "optimizer", "saving")
_DIFFERENCES = tuple(
    f"{quantity},\n{than}" for than in ("oracle", "float64") for quantity in ("loss", "gradient", "1 - cosine")
)


def print_part(report: Report, part: Part, verbose: bool = False) -> None:
    """Print what has just become known, of the report's groups; every compared quantity only if `verbose`."""
    out = console()
    if part == "algorithm":
        for agreement in report.algorithm:
            _print_algorithm(agreement, out, verbose)
    for group in report.groups:
        for table, least in _tables(group, part):
            if table.row_count:
                out.print(fitted(table, out, *least), "", sep="\n")
    if part == "timing" and report.disturbance:
        out.print(Text(report.disturbance, style="bold yellow"), "", sep="\n")


def _tables(group: Group, part: Part) -> Iterator[tuple[Table, tuple[str, ...]]]:
    """The tables of a part, each with what it can do without."""
    if part == "agreement":
        yield row_agreement_table(group), (*_DIFFERENCES[2::3], *_DIFFERENCES[1::3])
    if part == "timing":
        yield timing_table(group), ("n", "quartiles")
    if part == "whole":
        yield phases_table(group), ("weights", "saving", "import", "build", "first")
        yield resources_table(group), ()


def _print_algorithm(agreement: Agreement, out: Console, verbose: bool) -> None:
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


def print_conclusion(report: Report, folder: Path) -> None:
    """Print what follows from all parts, in sentences, and where the report is."""
    out = console()
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


def row_agreement_table(group: Group) -> Table:
    """One line for each row that was checked: its differences from the oracle and from its own float64."""
    title = f"Each row against the oracle (37x50 px) and its own backend's float64: {group.title}"
    table = plain_table(title, "row", *_DIFFERENCES, "verdict")
    for row in group.rows:
        if row.agreement is not None:
            checks = (row.agreement.oracle, row.agreement.float64)
            differences = [f"{it:.0e}" for check in checks for it in (check.loss, check.gradient, check.cosine_gap)]
            table.add_row(row.label, *differences, _DIFFERS if row.disagrees else "same")
    return table


def timing_table(group: Group) -> Table:
    """One line for each row: its time an evaluation, its spread, and its ratio to the fastest."""
    title = f"Seconds an evaluation (loss and gradient), measured in turns: {group.title}"
    table = plain_table(title, "row", "median", "quartiles", "n", "against\nthe fastest")
    for row in group.rows:
        table.add_row(*_timing_cells(group, row), style="strike" if row.disagrees else None)
    return table


def _timing_cells(group: Group, row: RowReport) -> tuple[str, ...]:
    timing = row.evaluation
    if timing is None:
        return (row.label, row.status)
    low, high = timing.quartiles_s
    return (
        row.label,
        f"{timing.median_s:.4f}{' noisy' if timing.noisy else ''}",
        f"{low:.4f} to {high:.4f}",
        str(timing.count),
        group.standing(row) if row.ranked else "unranked",
    )


def phases_table(group: Group) -> Table:
    """One line for each row that was timed: seconds by phase."""
    title = f"Seconds by phase (forward, backward, optimizer: of one evaluation): {group.title}"
    table = plain_table(title, "row", *_PHASES)
    for row in group.rows:
        if row.evaluation is not None:
            table.add_row(row.label, *("" if s is None else f"{s:.3g}" for s in astuple(row.phases)))
    return table


def resources_table(group: Group) -> Table:
    """One line for each row that ran to its end: how near it is to the ceiling, and its peak memory."""
    headings = ("GFLOP/s", "of the best\nproduct", "peak memory")
    table = plain_table(f"Operations and memory: {group.title}", "row", *headings)
    for row in group.rows:
        if row.limit is not None or row.memory is not None:
            reached = "" if row.limit is None else f"{row.limit.flops_per_s / 1e9:.0f}"
            fraction = "" if row.limit is None else f"{row.limit.fraction:.0%}"
            memory = "" if row.memory is None else f"{row.memory.resident_bytes / 2**20:.0f} MiB"
            table.add_row(row.label, reached, fraction, memory)
    return table


def verdict_lines(report: Report) -> Iterator[Text]:
    """Each row against the fastest of its group in words, when each arrives, and what could not be measured.

    A verdict is bold unless the run was disturbed.
    """
    names = _names(report)
    for group in report.groups:
        for ratio in group.against_fastest.values():
            verdict = (ratio.verdict, "" if report.disturbance else "bold")
            yield Text.assemble(f"{names[ratio.row]} against {report.labels[ratio.to]}: ", verdict)
    for group in report.groups:
        for row in group.rows:
            if row.common is not None and row.ranked:
                how = f"{row.common.evaluations} evaluations of {row.optimizer}"
                arrival = f"{how}, {row.common.seconds:.1f} s with the first one"
                yield Text(f"{names[row.name]}: loss {group.common_loss:.5g} after {arrival}")
    for row in report.rows:
        if row.why is not None:
            yield Text(f"{names[row.name]}: {row.status}: {row.why}", style="yellow")


def _names(report: Report) -> dict[str, str]:
    """What to call each row, by its name: its label, and where there are several groups, its group."""
    several = len(report.groups) > 1
    return {
        row.name: f"{group.title}: {row.label}" if several else row.label
        for group in report.groups
        for row in group.rows
    }
