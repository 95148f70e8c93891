"""What the terminal shows: the worst quantity of each kind, the verdict, and whole columns where it is narrow."""

import io

import pytest
from rich.console import Console

from common.comparison.agreement import Agreement, Quantity
from common.comparison.reporting.summary import verdict_line, worst_of_each_kind
from common.terminal import fitted, plain_table


def agreement(**values):
    rows = [
        Quantity("features relu1_1", {"a-oracle": values.get("feature", 1e-7)}, 1e-5),
        Quantity("features relu2_1", {"a-oracle": 2e-7, "b-oracle": 1e-8}, 1e-5),
        Quantity("loss style relu1_1", {"a-oracle": values.get("loss", 5e-7)}, 1e-5),
        Quantity("loss total", {"a-oracle": 1e-7}, 1e-5),
        Quantity("gradient", {"a-oracle": 0.5}, None),
        Quantity("gradient, 1 - cosine", {"a-oracle": 1e-9}, 1e-4),
        Quantity("gradient, same choices", {"a-oracle": 1e-6}, 1e-4),
    ]
    return Agreement("float32", (37, 50), tuple(rows), {}, {})


def names(table):
    return [row.quantity for row in worst_of_each_kind(table).rows]


def test_the_worst_is_the_nearest_to_its_tolerance():
    assert names(agreement()) == ["features relu2_1", "loss style relu1_1", "gradient, same choices"]


def test_what_is_beyond_its_tolerance_or_no_number_is_never_hidden():
    assert names(agreement(feature=1e-4, loss=float("nan")))[:2] == ["features relu1_1", "loss style relu1_1"]


def test_the_verdict_counts_every_quantity_that_is_judged():
    assert verdict_line(agreement()) == "float32, 37x50 px: all 6 quantities are within their tolerances"
    assert verdict_line(agreement(loss=1.0)) == "float32, 37x50 px: 1 of 6 quantities DIFFER: loss style relu1_1"


def _shown(width: int) -> str:
    table = plain_table("Seconds", "row", "n", "median", "quar\ntiles", "optimizer")
    table.add_row("torch eager", "30", "0.2680", "0.2625 to 0.2700", "1e-3")
    out = Console(file=io.StringIO(), width=width)
    out.print(fitted(table, out, "n", "quar\ntiles"))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize(
    ("width", "kept", "left_out"),
    [
        (100, ["0.2680", "0.2625 to 0.2700", "30", "optimizer"], ""),
        (48, ["0.2680", "0.2625 to 0.2700", "optimizer"], "too narrow for: n;"),
        (32, ["0.2680", "optimizer"], "too narrow for: n, quar tiles;"),
    ],
)
def test_columns_are_left_out_whole(width: int, kept: list[str], left_out: str) -> None:
    """The numbers that are shown are whole, and the table says what it does not show."""
    shown = " ".join(_shown(width).split())
    assert all(number in shown for number in kept)
    assert "…" not in shown
    assert (left_out in shown) if left_out else ("narrow" not in shown)


def test_a_long_name_is_folded() -> None:
    """Where leaving out does not help, the first column is folded rather than cut."""
    assert "…" not in _shown(18)
