"""The test behind the comparison: exact, one-sided, and right at its edges."""

from __future__ import annotations

from fractions import Fraction
from math import comb, inf, isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lifecycle.comparison import Counts, chance, percentile, requests_in, slower


def counts(bad: int, total: int) -> Counts:
    return Counts(bad=bad, total=total)


def exact(bad: int, total: int, bad_before: int, total_before: int) -> Fraction:
    """The formula of the docstring, in whole numbers."""
    together = bad + bad_before
    ways = sum(
        comb(total, k) * comb(total_before, together - k) for k in range(bad, min(together, total) + 1)
    )
    return Fraction(ways, comb(total + total_before, together))


def test_fishers_lady_tasting_tea() -> None:
    assert isclose(chance(counts(4, 4), counts(0, 4)), 1 / 70)
    assert isclose(chance(counts(3, 4), counts(1, 4)), 17 / 70)


sizes = st.integers(1, 60)


@given(sizes, sizes, st.data())
def test_the_probability_is_fishers_exact_one_wherever_the_share_rose(
    n: int, m: int, data: st.DataObject
) -> None:
    bad, before = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    assume(bad / n > before / m)
    assert isclose(chance(counts(bad, n), counts(before, m)), exact(bad, n, before, m), rel_tol=1e-9)


@given(sizes, sizes, st.data())
def test_where_the_share_did_not_rise_there_is_nothing_to_test(n: int, m: int, data: st.DataObject) -> None:
    bad, before = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    assume(bad / n <= before / m)
    assert chance(counts(bad, n), counts(before, m)) == 1


def test_large_counts_neither_overflow_nor_take_long() -> None:
    assert chance(counts(60_000, 1_000_000), counts(50_000, 1_000_000)) < 1e-100
    assert 0.4 < chance(counts(50_001, 1_000_000), counts(50_000, 1_000_000)) < 0.6
    assert chance(counts(0, 1_000_000), counts(500_000, 1_000_000)) == 1


def test_without_requests_nothing_is_worse() -> None:
    assert chance(counts(0, 0), counts(0, 0)) == 1
    assert chance(counts(5, 10), counts(0, 0)) == 1


def test_estimates_that_count_more_bad_ones_than_requests_are_taken_as_all_bad() -> None:
    assert chance(counts(11, 10), counts(0, 10)) == chance(counts(10, 10), counts(0, 10))
    assert counts(11, 10).share == 1


FAST = {0.1: 90.0, 0.5: 98.0, 1.0: 100.0, inf: 100.0}
SLOW = {0.1: 20.0, 0.5: 60.0, 1.0: 95.0, inf: 100.0}


@pytest.mark.parametrize(
    ("buckets", "quantile", "value"),
    [
        ({}, 0.95, None),
        ({0.1: 0.0, inf: 0.0}, 0.95, None),
        ({inf: 7.0}, 0.95, None),
        (FAST, 0.45, 0.05),
        (FAST, 0.94, 0.3),
        (FAST, 0.99, 0.75),
        ({0.1: 10.0, inf: 100.0}, 0.95, 0.1),
    ],
)
def test_a_percentile_is_found_as_prometheus_finds_it(
    buckets: dict[float, float], quantile: float, value: float | None
) -> None:
    found = percentile(buckets, quantile)
    assert found == value if found is None or value is None else isclose(found, value)


def test_a_slower_version_shows_at_the_most_telling_bound() -> None:
    now, before, likely = slower(SLOW, FAST)
    assert (now, before) == (counts(80, 100), counts(10, 100))
    assert isclose(likely, 3 * chance(counts(80, 100), counts(10, 100)))


def test_a_faster_version_is_not_slower() -> None:
    assert slower(FAST, SLOW)[2] == 1
    assert slower(FAST, FAST)[2] == 1


def test_only_bounds_that_both_versions_have_can_be_compared() -> None:
    now, before, likely = slower({0.2: 0.0, inf: 9.0}, {0.1: 8.0, inf: 8.0})
    assert (now, before, likely) == (counts(0, 9), counts(0, 8), 1)
    assert requests_in({}) == 0


three = st.lists(st.integers(0, 50), min_size=3, max_size=3)


@given(three, three)
def test_what_looking_at_every_bound_costs_is_counted(one: list[int], other: list[int]) -> None:
    now, before = ({0.1: a, 0.5: a + b, inf: a + b + c} for a, b, c in (one, other))
    beyond, beyond_before, likely = slower(now, before)
    assert likely == min(1, 2 * chance(beyond, beyond_before))
    assert slower(now, now)[2] == 1
