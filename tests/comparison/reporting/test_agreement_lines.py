"""The terminal shows the verdict and the worst quantity of each kind."""

from common.comparison.agreement import Agreement, Quantity
from common.comparison.reporting.tables import verdict_line, worst_of_each_kind


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
