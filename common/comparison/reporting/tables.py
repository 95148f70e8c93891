"""The tables that the terminal shows."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from rich.markup import escape
from rich.table import Table

from common.comparison.agreement import ORACLE, Agreement, Quantity
from common.recipes import Adam, Optimizer, Recipe, Stage
from common.results import LossTerms

_MOST_PAIRS = 3


def worst_of_each_kind(agreement: Agreement) -> Agreement:
    """The same with one quantity of the features, of the losses and of the gradient: the nearest to its tolerance."""
    kinds = groupby(agreement.rows, key=lambda row: re.split(r"\W", row.quantity)[0])
    return replace(agreement, rows=tuple(max(rows, key=_use_of_tolerance) for _, rows in kinds))


def _use_of_tolerance(row: Quantity) -> float:
    if row.bound is None:
        return -1.0
    largest = max(math.inf if math.isnan(value) else value for value in row.differences.values())
    return largest / row.bound


def verdict_line(agreement: Agreement) -> str:
    """How many of the quantities are within their tolerances."""
    judged = [row for row in agreement.rows if row.bound is not None]
    height, width = agreement.size_px
    where = f"{agreement.precision}, {height}x{width} px"
    if wrong := [row.quantity for row in judged if not row.agrees]:
        return f"{where}: {len(wrong)} of {len(judged)} quantities DIFFER: {', '.join(wrong)}"
    return f"{where}: all {len(judged)} quantities are within their tolerances"


def agreement_table(agreement: Agreement) -> Table:
    """Relative differences by pair, with the tolerance and the verdict of each quantity."""
    height, width = agreement.size_px
    table = Table(title=f"Relative differences, {agreement.precision}, {height}x{width} px", title_justify="left")
    table.add_column("quantity", no_wrap=True)
    pairs = _pairs(agreement)
    for pair in pairs:
        table.add_column(escape(pair), justify="right")
    table.add_column("tolerance", justify="right")
    table.add_column("verdict")
    for row in agreement.rows:
        cells = [f"{row.differences[pair]:.1e}" if pair in row.differences else "" for pair in pairs]
        table.add_row(row.quantity, *cells, "" if row.bound is None else f"{row.bound:.0e}", _verdict(row))
    return table


def _pairs(agreement: Agreement) -> list[str]:
    # All pairs where there is room for them, and otherwise those that say who is wrong.
    pairs = list(agreement.rows[0].differences)
    return pairs if len(pairs) <= _MOST_PAIRS else [pair for pair in pairs if pair.endswith(f"-{ORACLE}")]


def without_oracle(agreement: Agreement) -> list[str]:
    """The headings of the pairs that do not say who is wrong."""
    return [escape(pair) for pair in _pairs(agreement) if not pair.endswith(f"-{ORACLE}")]


def _verdict(row: Quantity) -> str:
    if row.bound is None:
        return "reported"
    return "same" if row.agrees else "[bold red]DIFFERS"


def flips_lines(agreement: Agreement) -> list[str]:
    """One sentence for each backend whose decisions differ from the oracle's."""
    return [
        f"{name}: {flips.relu} of {flips.relu_decisions} ReLU signs and {flips.pool} of "
        f"{flips.pool_decisions} max-pool choices differ from the oracle's."
        for name, flips in agreement.flips.items()
        if flips.any
    ]


def explanation_lines(agreement: Agreement) -> Iterator[str]:
    """What the port doctor says of each backend in which it finds more than rounding."""
    for name, explanations in agreement.explained.items():
        yield f"What the port doctor finds in {name}:"
        for number, explanation in enumerate(explanations, start=1):
            yield f"{number}. {explanation.sentence}"


def losses_table(terms: Mapping[str, LossTerms], rows: list[Quantity]) -> Table:
    """Every loss term by implementation, with the largest relative difference of any two."""
    table = Table(title_justify="left")
    table.add_column("term", no_wrap=True)
    for name in terms:
        table.add_column(name, justify="right")
    table.add_column("largest difference", justify="right")
    table.add_column("verdict")
    for row in rows:
        values = [f"{losses.by_name()[row.quantity]:.10g}" for losses in terms.values()]
        table.add_row(row.quantity, *values, f"{max(row.differences.values()):.1e}", _verdict(row))
    return table


def recipe_table(recipe: Recipe) -> Table:
    """One line for each thing that a recipe decides."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for label, show in _FIELDS.items():
        table.add_row(f"  {label}", show(recipe))
    return table


_FIELDS: dict[str, Any] = {
    "style taps": lambda recipe: " ".join(recipe.style_taps),
    "content tap": lambda recipe: " ".join(recipe.content_taps) or "none",
    "pooling": lambda recipe: recipe.pooling,
    "convention": lambda recipe: recipe.convention,
    "weights: content, style, TV": lambda recipe: " ".join(
        f"{weight:g}" for weight in (recipe.content_weight, recipe.style_weight, recipe.tv_weight)
    ),
    "total variation": lambda recipe: recipe.tv_form,
    "pixel space": lambda recipe: recipe.pixel_space.name,
    "stages": lambda recipe: "; ".join(_stage(stage) for stage in recipe.stages),
    "style image resized": lambda recipe: "to the content's size" if recipe.style_size == "content" else "on its own",
    "start": lambda recipe: recipe.init,
}


def _stage(stage: Stage) -> str:
    return f"{stage.size}, {stage.steps} steps, {_optimizer(stage.optimizer)}"


def _optimizer(optimizer: Optimizer) -> str:
    if isinstance(optimizer, Adam):
        decay = f" x{optimizer.decay:g} every {optimizer.decay_every}" if optimizer.decay_every else ""
        return f"Adam {optimizer.learning_rate:g}{decay}"
    restarts = f", restarted by maxfun={optimizer.maxfun}" if optimizer.maxfun else ""
    return f"L-BFGS memory {optimizer.memory}{restarts}"
