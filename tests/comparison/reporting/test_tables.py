"""A terminal that is too narrow for a table loses whole columns, the least important first, and never half a number."""

import io

import pytest
from rich.console import Console

from common.terminal import fitted, plain_table


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
