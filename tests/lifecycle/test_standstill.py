"""What has stood too long, and when the team is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.calendar import OfficeHours
from lifecycle.standstill import Control, Kind, Standstill, day_of, may_tell, told, too_long_since
from tests.lifecycle.story import policy

MONDAY = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
"""10:30 in Berlin."""
OFFICE = OfficeHours()


def rules(**changes: Any) -> Control:
    return Control.model_validate({"time_zone": "Europe/Berlin", **changes})


def stands(kind: Kind, hours: int, url: str = "http://x") -> Standstill:
    return Standstill(kind=kind, title="x", url=url, since=MONDAY - timedelta(hours=hours))


@pytest.mark.parametrize("bad", [{"reviews": "1d"}, {"review": "soon"}, {"time_zone": "Berlin"}])
def test_a_limit_that_nobody_can_hold_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rules(**bad)


def test_without_the_field_there_is_no_digest() -> None:
    assert policy().control is None


def test_each_kind_has_its_limit() -> None:
    given_ = rules(in_progress="3h", review="2h", red_main="1h")
    assert [given_.limit(kind) for kind in Kind] == [timedelta(hours=n) for n in (1, 2, 3)]


def test_limits_count_hours_of_work_or_all_hours() -> None:
    friday = datetime(2026, 11, 13, 15, 30, tzinfo=UTC)  # 16:30, half an hour before the weekend
    assert too_long_since(Kind.REVIEW, rules(review="2h"), OFFICE, MONDAY) == friday
    plain = too_long_since(Kind.REVIEW, rules(review="2h", working_time=False), OFFICE, MONDAY)
    assert plain == MONDAY - timedelta(hours=2)


def test_a_team_is_told_at_work_by_its_own_clock() -> None:
    assert may_tell(rules(), OFFICE, MONDAY)
    assert not may_tell(rules(time_zone="America/New_York"), OFFICE, MONDAY)
    assert not may_tell(rules(), OFFICE, MONDAY - timedelta(days=1))
    assert not may_tell(rules(), OfficeHours(holidays=(MONDAY.date(),)), MONDAY)


def test_a_digest_belongs_to_the_teams_day() -> None:
    late = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
    assert (day_of(rules(), late), day_of(rules(time_zone="UTC"), late)) == ("2026-11-17", "2026-11-16")


def test_a_red_main_is_told_first_then_what_stands_longest() -> None:
    found = [stands(Kind.IN_PROGRESS, 9), stands(Kind.REVIEW, 1), stands(Kind.REVIEW, 5)]
    digest = told([*found, stands(Kind.RED_MAIN, 1)], 9)
    assert [(each.kind, each.since) for each in digest.lines] == [
        (each.kind, each.since) for each in (stands(Kind.RED_MAIN, 1), found[2], found[1], found[0])
    ]
    assert digest.more == 0


@given(st.lists(st.builds(stands, st.sampled_from(Kind), st.integers(0, 99))), st.integers(0, 9))
def test_nothing_is_left_out_unsaid(found: list[Standstill], room: int) -> None:
    digest = told(found, room)
    assert len(digest.lines) == min(room, len(found))
    assert len(digest.lines) + digest.more == len(found)
    assert told(reversed(found), room) == digest
