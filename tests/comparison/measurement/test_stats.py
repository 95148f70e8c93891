"""What is made of rounds of durations: medians, paired ratios, and what may be claimed from them."""

import statistics
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.comparison.measurement import FEWEST_ROUNDS, RESOLUTION, Ratio, Timing, paired_ratio, summarise

durations = st.floats(1e-3, 1e3)
a_round = st.lists(durations, min_size=1, max_size=3)
full_rounds = st.lists(st.tuples(a_round, a_round), min_size=2, max_size=10)
quick = settings(max_examples=50, deadline=None, derandomize=True)


def ratio_of(ones, others):
    return paired_ratio("a", ones, "b", others)


@quick
@given(st.lists(st.lists(durations, max_size=4), max_size=6))
def test_the_median_and_quartiles_are_those_of_all_evaluations(rounds):
    timing, everything = summarise(rounds), [duration for one in rounds for duration in one]
    if len(everything) < 2:
        return
    quartiles = statistics.quantiles(everything, n=4, method="inclusive")
    assert [timing.quartiles_s[0], timing.median_s, timing.quartiles_s[1]] == pytest.approx(quartiles, rel=1e-12)
    assert timing.count == len(everything)


def test_a_missed_round_stays_empty_and_adds_nothing():
    timing = summarise([[1.0, 2.0], [], [3.0]])
    assert timing == Timing(2.0, (1.5, 2.5), 3, ((1.0, 2.0), (), (3.0,)))


@pytest.mark.parametrize("rounds", [[], [[]], [[], [], []]])
def test_nothing_measured_is_no_timing(rounds):
    assert summarise(rounds) is None


@pytest.mark.parametrize(("high", "noisy"), [(9.0, False), (10.0, False), (10.001, True)])
def test_quartiles_a_tenth_of_the_median_apart_are_the_last_that_are_quiet(high, noisy):
    assert Timing(10.0, (9.0, high), 1, ()).noisy is noisy


@quick
@given(full_rounds, st.integers(0, 2**32))
def test_only_rounds_that_both_rows_have_are_paired(pairs, seed):
    with_gaps, rng = [], np.random.default_rng(seed)
    for one, other in pairs:
        with_gaps += [((), other)] * rng.integers(2) + [(one, ())] * rng.integers(2) + [(one, other)]
    ones, others = zip(*with_gaps, strict=True)
    assert ratio_of(ones, others) == ratio_of(*zip(*pairs, strict=True))


def test_rows_without_a_common_round_have_no_ratio():
    assert ratio_of([[1.0], []], [[], [1.0]]) is None
    assert ratio_of([], [[1.0]]) is None


@pytest.mark.parametrize("faster_in", ["the first rounds", "every round"])
def test_the_ratio_is_the_median_of_the_ratios_of_medians(faster_in):
    quick_rounds = 2 if faster_in == "the first rounds" else 5
    ones = [[1.0, 1.0, 9.0]] * quick_rounds + [[8.0]] * (5 - quick_rounds)
    assert ratio_of(ones, [[2.0]] * 5).ratio == pytest.approx(4.0 if quick_rounds == 2 else 0.5)


@quick
@given(full_rounds, st.data())
def test_drift_that_both_rows_share_cancels_exactly(pairs, data):
    exponents = data.draw(st.lists(st.integers(-8, 8), min_size=len(pairs), max_size=len(pairs)))
    drifts = [2.0**exponent for exponent in exponents]  # a power of 2 is a factor without rounding
    ones, others = zip(*pairs, strict=True)
    drifted = [[[drift * x for x in one] for drift, one in zip(drifts, row, strict=True)] for row in (ones, others)]
    assert ratio_of(*drifted) == ratio_of(ones, others)


@quick
@given(full_rounds)
def test_the_interval_holds_the_estimate_and_lies_among_the_rounds(pairs):
    found = ratio_of(*zip(*pairs, strict=True))
    each = [statistics.median(one) / statistics.median(other) for one, other in pairs]
    assert found.low <= found.ratio <= found.high
    assert min(each) * (1 - 1e-12) <= found.low * (1 + RESOLUTION)
    assert found.high / (1 + RESOLUTION) <= max(each) * (1 + 1e-12)
    assert found.rounds == len(pairs)


@quick
@given(full_rounds)
def test_swapping_the_rows_inverts_the_ratio_and_the_interval(pairs):
    ones, others = zip(*pairs, strict=True)
    found, swapped = paired_ratio("a", ones, "b", others), paired_ratio("b", others, "a", ones)
    assert (swapped.row, swapped.to) == ("b", "a")
    ours = (swapped.ratio, swapped.low, swapped.high)
    assert ours == pytest.approx((1 / found.ratio, 1 / found.high, 1 / found.low), rel=1e-9)


def test_the_same_rounds_give_the_same_ratio():
    rng = np.random.default_rng(3)
    ones, others = rng.random((2, 8, 3)) + 1
    np.random.seed(1)  # what another part of the process may do
    first = ratio_of(ones.tolist(), others.tolist())
    np.random.seed(2)
    assert ratio_of(ones.tolist(), others.tolist()) == first


def test_one_round_has_no_interval_and_so_no_ratio():
    assert ratio_of([[3.0]], [[1.0]]) is None


@pytest.mark.parametrize(
    ("ratio", "low", "high", "rounds", "verdict"),
    [
        (1.42, 1.38, 1.47, 10, "1.42x slower (1.38 to 1.47)"),
        (1 / 1.42, 1 / 1.47, 1 / 1.38, 10, "1.42x faster (1.38 to 1.47)"),
        (1.0, 0.99, 1.01, 10, "no difference shown (0.99 to 1.01)"),
        (1.4, 0.98, 1.9, 10, "no difference shown (0.98 to 1.90)"),
        (1.42, 1.38, 1.47, 5, "no difference shown: 5 rounds are too few"),
        (1.42, 1.38, 1.47, 6, "1.42x slower (1.38 to 1.47)"),
    ],
)
def test_the_verdict_in_words(ratio, low, high, rounds, verdict):
    assert Ratio("a", "b", ratio, low, high, rounds).verdict == verdict


@pytest.mark.parametrize(("edge", "shown"), [(1.0001, True), (1.0, False), (0.99, False)])
def test_a_difference_is_claimed_where_the_interval_leaves_1_out_in_either_direction(edge, shown):
    assert Ratio("a", "b", 1.5, edge, 2.0, 10).shown is shown
    assert Ratio("a", "b", 1 / 1.5, 1 / 2.0, 1 / edge, 10).shown is shown


def test_rounds_without_any_spread_leave_the_resolution_of_the_instrument():
    found = ratio_of([[2.0]] * 10, [[1.0]] * 10)
    assert (found.low, found.high) == (pytest.approx(2 / 1.015), pytest.approx(2 * 1.015))


@pytest.mark.parametrize(("rounds", "enough"), [(FEWEST_ROUNDS - 1, False), (FEWEST_ROUNDS, True)])
def test_the_fewest_rounds_are_the_first_whose_range_holds_the_median_95_times_in_100(rounds, enough):
    sides = list(product((-1, 1), repeat=rounds))  # on which side of the true median each round falls
    held = sum(len(set(signs)) == 2 for signs in sides) / len(sides)
    assert (held >= 0.95) is enough
