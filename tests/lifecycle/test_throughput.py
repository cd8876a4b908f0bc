"""The capacity of a plan: set, or the range of what was really finished."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.throughput import Capacity, fixed, measured

NOW = datetime(2026, 10, 16, 10, tzinfo=UTC)  # a Friday
LAST_WEEK = datetime(2026, 10, 9, 10, tzinfo=UTC)


def weeks_ago(number: int, points: int) -> tuple[datetime, int]:
    return LAST_WEEK - timedelta(weeks=number - 1), points


def test_a_set_capacity_has_no_range_and_counts_whole_points() -> None:
    assert fixed(7.9) == Capacity(low=7, likely=7, high=7)


@pytest.mark.parametrize(
    ("finished", "note"),
    [
        ([], "nothing was released yet"),
        ([(NOW, 50)], "nothing was released yet"),
        ([weeks_ago(1, 0), weeks_ago(3, 8)], "in most of the last 3 periods nothing was released"),
        ([weeks_ago(9, 8)], "in most of the last 8 periods"),
    ],
)
def test_where_there_is_nothing_to_count_on_the_set_figure_stands_with_the_reason(
    finished: list[tuple[datetime, int]], note: str
) -> None:
    found = measured(finished, NOW, weeks=8, otherwise=20)
    assert (found.likely, found.periods) == (20, 0)
    assert note in found.note


def test_it_is_the_quartiles_of_the_whole_weeks_since_the_first_release() -> None:
    finished = [
        weeks_ago(4, 2),
        weeks_ago(4, 2),
        weeks_ago(3, 10),
        weeks_ago(2, 6),
        weeks_ago(1, 8),
        (NOW, 99),
    ]
    assert measured(finished, NOW, weeks=8, otherwise=20) == Capacity(low=4, likely=6, high=10, periods=4)
    assert measured(finished, NOW, weeks=2, otherwise=20) == Capacity(low=6, likely=6, high=8, periods=2)


def test_a_team_that_reviews_every_second_week_is_measured_by_two_weeks() -> None:
    finished = [weeks_ago(2, 10), weeks_ago(4, 14), weeks_ago(6, 12)]
    assert measured(finished, NOW, weeks=8, period=2, otherwise=20) == Capacity(
        low=10, likely=12, high=14, periods=3, weeks=2
    )


def test_a_week_ends_by_the_teams_clock() -> None:
    late_sunday = datetime(2026, 10, 11, 23, 0, tzinfo=UTC)
    assert measured([(late_sunday, 5)], NOW, weeks=8, otherwise=20).periods == 1
    assert measured([(late_sunday, 5)], NOW, weeks=8, time_zone="Europe/Berlin", otherwise=20).periods == 0


@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2026, 1, 1), datetime(2026, 10, 16)), st.integers(0, 40)),  # noqa: DTZ001
        max_size=30,
    ),
    st.integers(1, 20),
    st.integers(1, 4),
)
def test_the_range_is_in_order_and_the_order_of_facts_does_not_matter(
    found: list[tuple[datetime, int]], weeks: int, period: int
) -> None:
    finished = [(at.replace(tzinfo=UTC), points) for at, points in found]
    first = measured(finished, NOW, weeks=weeks, period=period, otherwise=20)
    assert first == measured(reversed(finished), NOW, weeks=weeks, period=period, otherwise=20)
    assert 0 <= first.low <= first.likely <= first.high
    assert first.likely > 0
    assert bool(first.note) is (first.periods == 0)
