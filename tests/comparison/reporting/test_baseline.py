"""What has changed since a baseline: nothing, a planted 10%, or noise."""

from dataclasses import replace

import numpy as np
import pytest
import report_samples as samples

from common.comparison.reporting.baseline import Change, changes, missing
from common.errors import RosettaError


def row(name, factor=1.0, seed=0, spread=0.01, rounds=10, ranked=True, rounds_s=None):
    """A row whose evaluations take `factor` seconds, with noise; by the code's own dataclasses."""
    times = factor * np.exp(spread * np.random.default_rng(seed).standard_normal((rounds, 3)))
    rounds_s = rounds_s or tuple(map(tuple, times.tolist()))
    result = samples.measured(samples.row(f"torch {name}"), factor, rounds_s=rounds_s)
    result = replace(result, row=replace(result.row, kind=name), run=None)
    return result if ranked else samples.wrong(result)


def report(*rows):
    """The report of these rows, whose names are a letter, the precision and the size."""
    return samples.reported(*rows) if rows else EMPTY


EMPTY = replace(samples.sample(), groups=())


REPORT = report(row("a"), row("b", 2.0, seed=1))


def test_the_same_times_are_no_change():
    for change in changes(REPORT, REPORT):
        assert change.ratio == 1.0
        assert change.low <= 1.0 <= change.high


@pytest.mark.parametrize("seed", range(5))
def test_ten_percent_are_found(seed):
    (change,) = changes(report(row("a", 1.1, seed)), report(row("a", 1.0, seed + 100)))
    assert 1.05 < change.low <= change.ratio <= change.high < 1.15


def test_ten_percent_less_are_found_too():
    (change,) = changes(report(row("a", 1 / 1.1, 1)), report(row("a", 1.0, 2)))
    assert change.high < 1 / 1.05


@pytest.mark.thorough
def test_noise_is_seldom_a_regression():
    found = [
        changes(report(row("a", seed=seed, spread=0.05)), report(row("a", seed=seed + 500, spread=0.05)))[0]
        for seed in range(100)
    ]
    assert np.mean([change.low > 1.05 for change in found]) < 0.05
    assert np.mean([change.low <= 1 <= change.high for change in found]) >= 0.88


def test_the_rounds_of_both_need_not_be_as_many_and_missed_ones_do_not_count():
    now, before = row("a", 1.2, rounds=7), row("a", 1.0, seed=1, rounds=12)
    whole = changes(report(now), report(before))
    now = replace(now, rounds_s=(*now.rounds_s[:3], (), *now.rounds_s[3:]))
    before = replace(before, rounds_s=(*before.rounds_s, ()))
    assert changes(report(now), report(before)) == whole


def test_a_round_counts_by_the_median_of_its_evaluations():
    threes = report(row("a", rounds_s=((1.0, 3.0, 9.0), (3.0,), (3.0, 3.0, 6.0))))
    assert changes(threes, report(row("a", spread=0.0)))[0].ratio == pytest.approx(3.0)


def test_one_round_bounds_nothing():
    (change,) = changes(report(row("a", 3.0, rounds=1)), REPORT)
    assert (change.low, change.high) == (0.0, np.inf)


def test_rows_of_one_report_alone_are_left_out():
    ours, theirs = report(row("new"), row("b"), row("a")), report(row("a"), row("old"), row("b"))
    assert [change.row[0] for change in changes(ours, theirs)] == ["b", "a"]


@pytest.mark.parametrize("unranked_in", [0, 1])
def test_a_row_that_disagreed_then_or_now_is_left_out(unranked_in):
    both = [report(row("a", ranked=unranked_in != which), row("b")) for which in (0, 1)]
    assert [change.row[0] for change in changes(*both)] == ["b"]


@pytest.mark.parametrize("theirs", [report(), report(row("c")), report(row("a", ranked=False))])
def test_no_common_row_is_an_error_that_names_what_there_is(theirs):
    ranked = [it.name for it in theirs.rows if it.ranked]
    with pytest.raises(RosettaError, match=", ".join(ranked) or "none"):
        changes(report(row("a"), row("b")), theirs)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (Change("a", 1.2, 1.051, 1.3), "SLOWER"),
        (Change("a", 1.2, 1.049, 1.3), "inconclusive"),
        (Change("a", 1.0, 0.94, 1.06), "inconclusive"),
        (Change("a", 1.0, 0.97, 1.04), "not slower"),
        (Change("a", 0.8, 0.7, 0.9), "not slower"),
        (Change("a", 3.0, 0.0, float("inf")), "inconclusive"),
    ],
)
def test_a_row_is_slower_or_not_when_the_whole_interval_is(change, verdict):
    assert change.verdict(0.05) == verdict


def test_a_change_in_words():
    assert str(Change("a", 1.1, 1.0512, 1.2)) == "a: 1.100 times the baseline's time (1.051 to 1.200)"
    assert "3.0" not in str(Change("a", 3.0, 0.0, np.inf)), "no ratio without its interval"


def test_a_row_that_was_tried_and_not_timed_is_missing_and_one_that_was_not_tried_is_not():
    theirs = report(row("a"), row("b"), row("c"), row("d", ranked=False))
    assert missing(report(row("a"), row("b", ranked=False)), theirs) == ["b float32 256"]


def test_too_few_rounds_prove_nothing():
    (change,) = changes(report(row("a", 3.0, rounds=5)), report(row("a")))
    assert (change.low, change.high) == (0.0, np.inf)
