"""What finished requests really took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.estimates import Figure, Took, days_taken, per_size, stream
from lifecycle.metrics import StatusChange
from lifecycle.values import Finished
from lifecycle.workflow import Status

OUT = datetime(2026, 3, 10, tzinfo=UTC)


def took(issue: str, points: int | None, days: float | None, version: str = "1.0.0") -> Took:
    return Took(version=version, issue=issue, title="x", points=points, days=days, released=OUT)


def change(status: Status, days_before: float) -> StatusChange:
    return StatusChange(key="SHOP-1", status=status, at=OUT - timedelta(days=days_before))


@pytest.mark.parametrize("bad", [{"points": 0}, {"days": -1}])
def test_figures_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Took.model_validate({"version": "1.0.0", "issue": "SHOP-1", "title": "x", "released": OUT, **bad})


def test_the_time_runs_from_the_first_in_progress_to_production() -> None:
    changes = [change(Status.IN_PROGRESS, 2), change(Status.CODE_REVIEW, 4), change(Status.IN_PROGRESS, 5.5)]
    assert days_taken(changes, OUT) == 5.5


def test_what_never_was_in_progress_before_production_took_an_unknown_time() -> None:
    assert days_taken([], OUT) is None
    assert days_taken([change(Status.QA, 3), change(Status.IN_PROGRESS, -1)], OUT) is None


def test_each_size_has_its_figure_and_what_is_not_measured_none() -> None:
    told = [
        took("SHOP-1", 3, 2.0),
        took("SHOP-2", 3, 6.0),
        took("SHOP-3", 3, 3.0),
        took("SHOP-4", 1, 0.5),
        took("SHOP-5", None, 9.0),
        took("SHOP-6", 8, None),
    ]
    assert per_size(told) == (Figure(1, 1, 0.5, 0.5, 0.5), Figure(3, 3, 3.0, 2.0, 6.0))
    assert per_size([]) == ()


def test_what_went_out_twice_counts_with_the_last_time() -> None:
    assert per_size([took("SHOP-1", 3, 2.0), took("SHOP-1", 3, 7.0, "1.0.1")]) == (
        Figure(3, 1, 7.0, 7.0, 7.0),
    )


def test_each_request_counts_once_per_release_on_its_project_s_stream() -> None:
    keys = {took(issue, 3, 2.0, version).key(stream("shop")) for issue in "AB" for version in ("1.0", "2.0")}
    assert len(keys) == 4
    assert all(key.startswith("finished:shop:Took:") for key in keys)


def test_the_suggestions_get_what_they_need() -> None:
    assert took("SHOP-1", 3, 2.0).finished == Finished(key="SHOP-1", points=3, days=2.0)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 400)), min_size=1))
def test_a_median_lies_between_the_shortest_and_the_longest(told: list[tuple[int, float]]) -> None:
    figures = per_size(took(f"SHOP-{n}", points, days) for n, (points, days) in enumerate(told))
    assert sum(figure.finished for figure in figures) == len(told)
    assert all(f.shortest - 1e-3 <= f.median_days <= f.longest + 1e-3 for f in figures)
