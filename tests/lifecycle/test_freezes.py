"""Windows that close an environment: denying and allowing ones, GitLab's own, and the clocks' changes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.freezes import Freeze, GitLabPeriod, closed
from lifecycle.verdict import Verdict, together

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def freeze(**changes: Any) -> Freeze:
    return Freeze.model_validate({"name": "weekend", "time_zone": BERLIN, **changes})


WEEKEND = freeze(cron="0 15 * * 5", lasts="2d17h")  # Friday 15:00 to Monday 08:00
CHRISTMAS = freeze(name="Christmas", **{"from": "2026-12-20T00:00", "until": "2027-01-03T00:00"})
OPEN = freeze(name="audit", **{"from": "2026-12-01T00:00"})
OFFICE = freeze(name="office hours", kind="allow", cron="0 9 * * mon-fri", lasts="8h")


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"lasts": "2d"},
        {"cron": "0 15 * * 5"},
        {"cron": "0 15 * * 5", "lasts": "0s"},
        {"cron": "0 15 * * 5", "lasts": "2d", "until": "2026-12-20T00:00"},
        {"cron": "0 15 * * 5", "lasts": "2d", "from": "2026-12-20T00:00"},
        {"cron": "0 15 30 2 *", "lasts": "2d"},
        {"cron": "0 15 * *", "lasts": "2d"},
        {"from": "2026-12-20T00:00", "lasts": "2d"},
        {"until": "2026-12-20T00:00"},
        {"from": "2026-12-21T00:00", "until": "2026-12-20T00:00"},
        {"from": "2026-12-20T00:00", "time_zone": "Mars/Base"},
        {"from": "2026-12-20T00:00", "environments": []},
        {"from": "2026-12-20T00:00", "kind": "maybe"},
        {"from": "2026-12-20T00:00", "ends": "2026-12-21T00:00"},
    ],
)
def test_a_window_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        freeze(**bad)


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        (WEEKEND, "2026-03-06T14:59", None),  # Friday
        (WEEKEND, "2026-03-06T15:00", "2026-03-09T08:00"),
        (WEEKEND, "2026-03-09T07:59", "2026-03-09T08:00"),
        (WEEKEND, "2026-03-09T08:00", None),
        (WEEKEND, "2026-03-11T12:00", None),
        # The clocks change in between: it ends at eight all the same.
        (WEEKEND, "2026-03-29T12:00", "2026-03-30T08:00"),
        (WEEKEND, "2026-10-25T12:00", "2026-10-26T08:00"),
        (CHRISTMAS, "2026-12-19T23:59", None),
        (CHRISTMAS, "2026-12-20T00:00", "2027-01-03T00:00"),
        (CHRISTMAS, "2027-01-03T00:00", None),
        (OPEN, "2026-11-30T23:59", None),
    ],
)
def test_a_window_closes_from_its_beginning_up_to_its_end_by_the_clock_there(
    window: Freeze, now: str, until: str | None
) -> None:
    verdict = closed([window], "production", at(now))
    assert verdict.until == (at(until) if until else None)
    assert verdict.allowed is (until is None)


def test_a_window_without_an_end_says_so() -> None:
    assert closed([OPEN], "production", at("2031-01-01T00:00")) == Verdict(
        reasons=("frozen: audit, with no end",)
    )


def test_a_time_may_carry_its_own_offset() -> None:
    window = freeze(**{"from": "2026-12-20T00:00+00:00", "until": "2026-12-21T00:00+00:00"})
    assert closed([window], "production", at("2026-12-20T00:30")).allowed
    assert not closed([window], "production", at("2026-12-20T01:00")).allowed


def test_a_window_is_about_the_environments_it_names() -> None:
    window = freeze(**{"from": "2026-12-20T00:00", "environments": ["staging", "review/*"]})
    now = at("2026-12-24T12:00")
    frozen = [
        name
        for name in ("staging", "review/cart", "production", "dev")
        if closed([window], name, now).reasons
    ]
    assert frozen == ["staging", "review/cart"]


# Allowing windows.


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-06T08:59", "2026-03-06T09:00"),
        ("2026-03-06T09:00", None),
        ("2026-03-06T16:59", None),
        ("2026-03-06T17:00", "2026-03-09T09:00"),
    ],
)
def test_outside_of_the_allowing_windows_all_is_closed(now: str, until: str | None) -> None:
    verdict = closed([OFFICE], "production", at(now))
    assert verdict.until == (at(until) if until else None)
    assert verdict.allowed is (until is None)
    assert closed([OFFICE], "staging", at(now)).allowed


def test_deny_beats_allow_and_the_wait_ends_when_both_let_it() -> None:
    verdict = closed([OFFICE, CHRISTMAS], "production", at("2026-12-22T10:00"))
    assert verdict.reasons == ("frozen: Christmas, until 2027-01-02 23:00 UTC",)
    # 3 January is a Sunday.
    assert verdict.until == at("2027-01-04T09:00")


def test_where_no_allowing_window_ever_opens_again_nobody_knows_an_end() -> None:
    once = freeze(kind="allow", name="launch", **{"from": "2026-12-20T00:00", "until": "2026-12-21T00:00"})
    before = closed([once], "production", at("2026-12-01T00:00"))
    assert before.until == at("2026-12-20T00:00")
    assert closed([once], "production", at("2026-12-22T00:00")) == Verdict(
        reasons=("frozen: outside of launch, with no end",)
    )
    assert closed([once, OPEN], "production", at("2026-12-20T12:00")).until is None


def test_windows_that_follow_each_other_without_a_gap_never_end() -> None:
    daily = freeze(cron="0 0 * * *", lasts="1d")
    assert closed([daily], "production", at("2026-03-06T12:00")).until is None


# GitLab's.


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-06T22:59", None),
        ("2026-03-06T23:00", "2026-03-09T08:00"),
        ("2026-03-09T08:00", None),
        ("2026-03-29T12:00", "2026-03-30T08:00"),
    ],
)
def test_gitlabs_freeze_period_is_from_one_cron_line_to_the_other(now: str, until: str | None) -> None:
    period = GitLabPeriod(3, "0 23 * * 5", "0 8 * * 1", BERLIN)
    verdict = closed([period], "production", at(now))
    assert verdict.until == (at(until) if until else None)
    assert closed([period], "staging", at(now)).allowed
    assert period.following(at("2026-03-06T22:59")) == at("2026-03-06T23:00")


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [("*/5 * * * *", "0 8 * * 1", "UTC"), ("0 23 * * 5", "soon", "UTC"), ("0 23 * * 5", "0 8 * * 1", "Mars")],
)
def test_what_cannot_be_read_is_closed_until_somebody_looks(start: str, end: str, zone: str) -> None:
    period = GitLabPeriod(3, start, end, zone)
    verdict = closed([period], "production", at("2026-03-11T12:00"))
    assert verdict.until is None
    assert "GitLab's freeze period 3" in verdict.reasons[0]
    assert "cannot be read" in verdict.reasons[0]
    assert period.following(at("2026-03-11T12:00")) is None


def test_a_freeze_period_that_never_begins_or_never_ends() -> None:
    never, ever = (
        GitLabPeriod(1, "0 0 30 2 *", "0 8 * * 1", "UTC"),
        GitLabPeriod(2, "0 0 1 1 *", "0 0 30 2 *", "UTC"),
    )
    now = at("2026-03-11T12:00")
    assert closed([never], "production", now).allowed
    assert closed([ever], "production", now).reasons == ("frozen: GitLab's freeze period 2, with no end",)


# Any.

zones = st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
minutes = st.integers(0, 700 * 24 * 60)
walls = minutes.map(lambda n: datetime.fromisoformat("2026-01-01") + timedelta(minutes=n))
moments = walls.map(lambda wall: wall.replace(tzinfo=UTC))


@st.composite
def windows(draw: st.DrawFn) -> Freeze:
    kind = draw(st.sampled_from(["deny", "allow"]))
    if draw(st.booleans()):
        wall = draw(st.times())
        line = f"{wall.minute} {wall.hour} * * {draw(st.sampled_from(['*', '0', '5', '1-5']))}"
        return freeze(kind=kind, cron=line, lasts=f"{draw(st.integers(1, 72))}h", time_zone=draw(zones))
    begins = draw(walls)
    ends = draw(st.none() | st.integers(2, 90).map(lambda days: begins + timedelta(days=days)))
    return freeze(kind=kind, time_zone=draw(zones), **{"from": begins, "until": ends})


@given(st.lists(windows(), max_size=3), moments)
def test_it_is_closed_in_a_denying_window_and_outside_of_all_allowing_ones(
    given_: list[Freeze], now: datetime
) -> None:
    denied = any(window.kind == "deny" and window.spell(now) for window in given_)
    allowing = [window for window in given_ if window.kind == "allow"]
    outside = bool(allowing) and not any(window.spell(now) for window in allowing)
    assert closed(given_, "production", now).allowed is not (denied or outside)


@given(st.lists(windows(), max_size=3), moments)
def test_it_is_open_at_the_end_that_is_told_and_closed_all_the_way_there(
    given_: list[Freeze], now: datetime
) -> None:
    until = closed(given_, "production", now).until
    if until is None:
        return
    assert until > now
    assert closed(given_, "production", until).allowed
    for part in range(8):
        assert not closed(given_, "production", now + (until - now) * part / 8).allowed


@given(windows(), moments)
def test_a_spell_holds_the_moment_it_was_asked_about(window: Freeze, now: datetime) -> None:
    spell, following = window.spell(now), window.following(now)
    if spell is not None:
        assert spell.begins <= now
        assert spell.ends is None or spell.ends > now
    if following is not None:
        assert following > now
        after = window.spell(following)
        assert after is not None
        assert after.begins == following


@given(st.sampled_from(["2026-03-29", "2026-10-25"]), st.times(), st.integers(1, 180))
def test_on_the_days_the_clocks_change_a_window_always_ends_after_it_begins(
    day: str, wall: time, minutes: int
) -> None:
    window = freeze(cron=f"{wall.minute} {wall.hour} * * 0", lasts=f"{minutes}m")
    begins = window.following(at(f"{day}T00:00") - timedelta(microseconds=1))
    assert begins is not None
    spell = window.spell(begins)
    assert spell is not None
    assert spell.ends is not None
    assert timedelta(0) < spell.ends - begins <= timedelta(minutes=minutes + 60)


def test_reasons_come_together_and_the_last_end_counts_if_all_are_known() -> None:
    early, late = at("2026-03-06T09:00"), at("2026-03-06T10:00")
    a, b = Verdict(reasons=("a",), until=early), Verdict(reasons=("b",), until=late)
    assert together() == together(Verdict()) == Verdict()
    assert together(a, Verdict(), b) == Verdict(reasons=("a", "b"), until=late)
    assert together(a, Verdict(reasons=("c",))) == Verdict(reasons=("a", "c"))
