import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lifecycle.calendar import (
    WEEK,
    Duration,
    Weekday,
    WorkingHours,
    add_working,
    duration,
    duration_text,
    in_working_hours,
    subtract_working,
    wall_clock,
)

BERLIN = "Europe/Berlin"
ZONES = ("UTC", BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
OFFICE = WorkingHours(time_zone=BERLIN)
hours = timedelta(hours=1)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN))


# Durations


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "15",
        "m",
        "-5m",
        "15 m",
        "5x",
        "1.m",
        "१m",
        True,
        None,
        -1,
        float("nan"),
        float("inf"),
        "99999999w",
    ],
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration(text)


def test_a_negative_timedelta_is_no_duration() -> None:
    with pytest.raises(ValueError, match="is no duration"):
        duration(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("8h", 28_800),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("1h30m", 5400),
        ("0.5s", 0.5),
    ],
)
def test_durations_are_written_as_people_write_them(written: str, seconds: float) -> None:
    assert duration(written) == timedelta(seconds=seconds)


def test_a_number_is_seconds_and_a_timedelta_is_itself() -> None:
    assert duration(90) == duration(90.0) == duration(timedelta(seconds=90)) == timedelta(seconds=90)


@given(st.timedeltas(timedelta(0), timedelta(days=36_000)))
def test_a_duration_is_read_back_as_it_was_written(value: timedelta) -> None:
    assert duration(duration_text(value)) == value


def test_a_duration_in_the_policy_goes_out_as_text_and_comes_back() -> None:
    class Policy(BaseModel):
        every: Duration

    policy = Policy.model_validate({"every": "1h30m"})
    assert policy.model_dump_json() == '{"every":"1h30m"}'
    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert Policy.model_json_schema()["properties"]["every"]["anyOf"][0]["type"] == "string"


# Working hours


@pytest.mark.parametrize(
    "bad",
    [
        {"start": "17:00", "end": "09:00"},
        {"start": "09:00", "end": "09:00"},
        {"start": "09:00Z"},
        {"days": []},
        {"days": ["someday"]},
        {"time_zone": "Europe/Nowhere"},
        {"time_zone": "../etc/passwd"},
        {"time_zone": "Europe"},
        {"unknown": 1},
    ],
)
def test_working_hours_that_cannot_be_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkingHours.model_validate(bad)


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 2, 9)  # noqa: DTZ001
    for ask in (lambda: in_working_hours(naive, OFFICE), lambda: add_working(naive, hours, OFFICE)):
        with pytest.raises(ValueError, match="zone"):
            ask()


def test_a_deadline_cannot_lie_behind() -> None:
    with pytest.raises(ValueError, match="ahead"):
        add_working(berlin("2026-03-02T09:00"), -hours, OFFICE)


@pytest.mark.parametrize(
    ("now", "wait_h", "deadline"),
    [
        ("2026-03-02T10:00", 2, "2026-03-02T12:00"),  # Monday
        ("2026-03-02T16:00", 2, "2026-03-03T10:00"),
        ("2026-03-02T16:00", 1, "2026-03-02T17:00"),  # the last moment of a day
        ("2026-03-06T16:30", 1, "2026-03-09T09:30"),  # over the weekend
        ("2026-03-07T12:00", 0, "2026-03-09T09:00"),  # nobody works then
        ("2026-03-02T10:00", 0, "2026-03-02T10:00"),
        ("2026-03-02T05:00", 16, "2026-03-03T17:00"),
    ],
)
def test_a_deadline_counts_only_working_time(now: str, wait_h: int, deadline: str) -> None:
    assert add_working(berlin(now), wait_h * hours, OFFICE) == berlin(deadline)


def test_a_holiday_does_not_count() -> None:
    office = OFFICE.model_copy(update={"holidays": (date(2026, 3, 3),)})
    assert add_working(berlin("2026-03-02T16:00"), 2 * hours, office) == berlin("2026-03-04T10:00")
    assert not in_working_hours(berlin("2026-03-03T10:00"), office)


@pytest.mark.parametrize(
    ("now", "working"),
    [
        ("2026-03-02T09:00", True),
        ("2026-03-02T08:59", False),
        ("2026-03-02T16:59:59", True),
        ("2026-03-02T17:00", False),
        ("2026-03-01T12:00", False),
    ],
)
def test_working_hours_are_those_of_the_wall_clock_there(now: str, working: bool) -> None:
    assert in_working_hours(berlin(now), OFFICE) is working
    assert in_working_hours(berlin(now).astimezone(ZoneInfo("Asia/Tokyo")), OFFICE) is working


def test_over_the_spring_change_of_clocks_nine_o_clock_stays_nine_o_clock() -> None:
    friday = berlin("2026-03-27T16:00")
    assert add_working(friday, 2 * hours, OFFICE) == berlin("2026-03-30T10:00")
    assert add_working(friday, 2 * hours, OFFICE) - friday == timedelta(hours=65)


def test_over_the_autumn_change_of_clocks_nine_o_clock_stays_nine_o_clock() -> None:
    friday = berlin("2026-10-23T16:00")
    assert add_working(friday, 2 * hours, OFFICE) == berlin("2026-10-26T10:00")
    assert add_working(friday, 2 * hours, OFFICE) - friday == timedelta(hours=67)


NIGHT = WorkingHours(start=time(0), end=time(8), days=WEEK, time_zone=BERLIN)


def test_the_night_shift_in_which_an_hour_is_missing_is_an_hour_shorter() -> None:
    assert add_working(berlin("2026-03-29T00:00"), 7 * hours, NIGHT) == berlin("2026-03-29T08:00")
    assert add_working(berlin("2026-03-29T00:00"), 8 * hours, NIGHT) == berlin("2026-03-30T01:00")


def test_the_night_shift_in_which_an_hour_comes_twice_is_an_hour_longer() -> None:
    assert add_working(berlin("2026-10-25T00:00"), 9 * hours, NIGHT) == berlin("2026-10-25T08:00")


def test_a_shift_that_the_clocks_jump_over_is_passed_over() -> None:
    short = WorkingHours(start=time(2), end=time(3), days=(Weekday.SUN,), time_zone=BERLIN)
    assert add_working(berlin("2026-03-28T12:00"), timedelta(0), short) == berlin("2026-04-05T02:00")


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
offices = st.builds(
    WorkingHours,
    start=st.times(max_value=time(11, 59)),
    end=st.times(min_value=time(12)),
    days=st.lists(st.sampled_from(WEEK), min_size=1).map(tuple),
    time_zone=st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
)
waits = st.timedeltas(timedelta(0), timedelta(days=5))


@given(moments, waits, waits, offices)
def test_waiting_in_two_parts_ends_when_waiting_in_one_does(
    now: datetime, first: timedelta, then: timedelta, office: WorkingHours
) -> None:
    assume(then)
    assert add_working(add_working(now, first, office), then, office) == add_working(
        now, first + then, office
    )


@given(moments, waits, offices)
def test_a_deadline_is_never_early_and_always_at_work(
    now: datetime, wait: timedelta, office: WorkingHours
) -> None:
    due = add_working(now, wait, office)
    assert due >= now + wait
    assert in_working_hours(due, office) or in_working_hours(due - timedelta(microseconds=1), office)


# A clock on the wall.


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2026-11-30 22:00", "Europe/Berlin", "2026-11-30T21:00:00+00:00"),
        ("2026-07-01 22:00", "Europe/Berlin", "2026-07-01T20:00:00+00:00"),
        ("2026-10-25T02:30+01:00", "Europe/Berlin", "2026-10-25T01:30:00+00:00"),
        ("2026-10-25T02:30+02:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        ("2026-03-29 01:59", "Europe/Berlin", "2026-03-29T00:59:00+00:00"),
        ("2026-03-29 03:00", "Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        (" 2026-11-30 ", "UTC", "2026-11-30T00:00:00+00:00"),
    ],
)
def test_a_wall_clock_is_a_moment(text: str, zone: str, utc: str) -> None:
    assert wall_clock(text, zone).isoformat() == utc


@pytest.mark.parametrize(
    ("text", "zone", "why"),
    [
        ("2026-03-29 02:30", "Europe/Berlin", "does not exist in Europe/Berlin"),
        ("2026-03-08 02:00", "America/New_York", "does not exist"),
        ("2026-10-25 02:30", "Europe/Berlin", "say 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00"),
        ("2026-11-01 01:59", "America/New_York", "happens twice"),
        ("tomorrow", "UTC", "Invalid isoformat"),
        ("2026-11-30 22:00", "Europe/Atlantis", "no IANA time zone"),
    ],
)
def test_a_time_that_is_none_or_two_is_refused(text: str, zone: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        wall_clock(text, zone)


@given(st.integers(0, 2 * 365 * 24 * 60), st.sampled_from(ZONES))
def test_what_a_wall_clock_gives_is_what_that_clock_then_shows(minutes: int, zone: str) -> None:
    local = datetime.fromisoformat("2026-01-01") + timedelta(minutes=minutes)
    try:
        moment = wall_clock(local.isoformat(), zone)
    except ValueError:
        around = {(local.replace(tzinfo=ZoneInfo(zone), fold=fold)).utcoffset() for fold in (0, 1)}
        assert len(around) == 2, "only where the clocks change"
        return
    assert moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local


# Back in time


@pytest.mark.parametrize(
    ("now", "wait_h", "since"),
    [
        ("2026-03-04T12:00", 2, "2026-03-04T10:00"),
        ("2026-03-04T10:00", 2, "2026-03-03T16:00"),
        ("2026-03-04T22:00", 2, "2026-03-04T15:00"),
        ("2026-03-02T09:00", 8, "2026-02-27T09:00"),
        ("2026-03-01T12:00", 1, "2026-02-27T16:00"),
        ("2026-03-01T12:00", 0, "2026-03-01T12:00"),
    ],
)
def test_working_time_is_counted_back_over_nights_and_weekends(now: str, wait_h: int, since: str) -> None:
    assert subtract_working(berlin(now), wait_h * hours, OFFICE) == berlin(since)


def test_what_has_passed_is_not_negative() -> None:
    with pytest.raises(ValueError, match="behind"):
        subtract_working(berlin("2026-03-02T09:00"), -hours, OFFICE)


@given(
    moments,
    st.integers(1, 200),
    st.sampled_from(ZONES),
)
def test_counting_forward_from_there_leads_to_now_or_to_the_last_work_before(
    now: datetime, quarters: int, zone: str
) -> None:
    office, wait = WorkingHours(time_zone=zone), quarters * timedelta(minutes=15)
    since = subtract_working(now, wait, office)
    reached = add_working(since, wait, office)
    assert reached <= now
    assert not in_working_hours(now, office) or reached == now
