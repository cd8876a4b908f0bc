"""When the weekly review is held: cron lines, every n weeks, holidays, and the two days of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lifecycle.calendar import WEEK, WORKDAYS, Weekday
from lifecycle.review_calendar import (
    EveryWeeks,
    Holidays,
    Occasion,
    Schedule,
    cron,
    due,
    occasions,
    upcoming,
    week_of,
)

BERLIN = "Europe/Berlin"
FRIDAYS = Schedule(cron("0 10 * * 5"), BERLIN)
BAVARIA = Holidays(country="DE", subdivision="BY")


def local(text: str, zone: str = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def every(weeks: int, day: str, start: str, at: str = "10:00") -> EveryWeeks:
    return EveryWeeks.model_validate({"weeks": weeks, "day": day, "start": start, "at": at})


def planned(schedule: Schedule, first: str, count: int) -> list[str]:
    return [
        each.planned.isoformat() for each in islice(occasions(schedule, date.fromisoformat(first)), count)
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "no cron line"),
        ("0 10 * *", "no cron line"),
        ("0 10 * * 5 2026", "no cron line"),
        ("@weekly", "no cron line"),
        ("60 10 * * 5", "no minute from 0 to 59"),
        ("0 24 * * 5", "no hour from 0 to 23"),
        ("0 10 0 * *", "no day from 1 to 31"),
        ("0 10 * 13 *", "no month from 1 to 12"),
        ("0 10 * * 8", "no weekday from 0 to 7"),
        ("0 10 * * fry", "no weekday"),
        ("0 10 * * 5-1", "no weekday from 0 to 7"),
        ("0 10 * * */0", "no weekday from 0 to 7"),
        ("0 10 * * 5,", "no weekday"),
        ("0 10 * * -5", "no weekday"),
        ("0 10 * * ٥", "no weekday"),
        ("* 10 * * 5", "many times of a day"),
        ("0 9-10 * * 5", "many times of a day"),
    ],
)
def test_a_line_that_is_no_schedule_of_a_review_is_refused(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        cron(line)


@pytest.mark.parametrize(
    ("line", "first", "expected"),
    [
        ("30 9 * * fri", "2026-10-12", ["2026-10-16", "2026-10-23"]),
        ("0 10 * * 0", "2026-10-12", ["2026-10-18", "2026-10-25"]),
        ("0 10 * * 7", "2026-10-12", ["2026-10-18", "2026-10-25"]),
        ("0 10 * * mon,wed-thu", "2026-10-12", ["2026-10-12", "2026-10-14", "2026-10-15"]),
        ("0 10 * jan,jul 1", "2026-01-20", ["2026-01-26", "2026-07-06"]),
        ("0 10 1,15 * *", "2026-10-02", ["2026-10-15", "2026-11-01"]),
        ("0 10 */10 * *", "2026-10-02", ["2026-10-11", "2026-10-21", "2026-10-31"]),
        ("0 10 13 * 5", "2026-10-10", ["2026-10-13", "2026-10-16", "2026-10-23"]),
        ("0 10 29 2 *", "2026-01-01", ["2028-02-29"]),
        ("0 10 30 2 *", "2026-01-01", []),
    ],
)
def test_a_cron_line_names_days_as_cron_does(line: str, first: str, expected: list[str]) -> None:
    schedule = Schedule(cron(line))
    assert planned(schedule, first, max(1, len(expected))) == expected


def test_every_second_week_is_counted_from_the_week_of_its_start() -> None:
    schedule = Schedule(every(2, "fri", "2026-01-05"), BERLIN)
    assert planned(schedule, "2025-12-01", 3) == ["2026-01-09", "2026-01-23", "2026-02-06"]
    assert planned(Schedule(every(1, "mon", "2026-01-07")), "2026-01-01", 2) == ["2026-01-12", "2026-01-19"]


def test_it_is_counted_over_a_long_year_too() -> None:
    assert planned(Schedule(every(3, "fri", "2026-12-11")), "2026-12-01", 3) == [
        "2026-12-11",
        "2027-01-01",
        "2027-01-22",
    ]


@pytest.mark.parametrize(
    "change",
    [{"weeks": 0}, {"weeks": 53}, {"day": "friday"}, {"at": 600}, {"at": "10:00+01:00"}, {"on": "fri"}],
)
def test_what_is_no_rhythm_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EveryWeeks.model_validate({"weeks": 1, "day": "fri", "start": "2026-01-09", **change})


@pytest.mark.parametrize(
    "change", [{"country": "XX"}, {"country": "DE", "subdivision": "ZZ"}, {"subdivision": "BY"}]
)
def test_a_country_without_known_holidays_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Holidays.model_validate(change)


def test_a_holiday_has_its_name_and_only_where_it_is_one() -> None:
    epiphany = date(2026, 1, 6)
    assert BAVARIA.on(epiphany) == "Epiphany"
    assert Holidays(country="DE", subdivision="BE").on(epiphany) == ""
    assert Holidays(country="DE").on(date(2026, 10, 3)) == "German Unity Day"
    assert Holidays(dates=(epiphany,)).on(epiphany) == "a listed holiday"


def test_a_holiday_moves_the_review_to_the_next_working_day_and_it_keeps_its_week() -> None:
    schedule = FRIDAYS._replace(holidays=BAVARIA)
    good_friday = next(occasions(schedule, date(2026, 4, 3)))
    assert good_friday == Occasion(
        "2026-W14", date(2026, 4, 3), local("2026-04-07T10:00")
    )  # past Easter Monday
    assert due(schedule, local("2026-04-03T10:00")) is None
    assert due(schedule, local("2026-04-07T10:00")) == good_friday


def test_of_two_reviews_that_a_holiday_brings_together_one_is_held() -> None:
    closed = tuple(date(2026, 12, 24) + timedelta(days=n) for n in range(9))  # until 1 January
    schedule = FRIDAYS._replace(holidays=Holidays(dates=closed))
    found = list(islice(occasions(schedule, date(2026, 12, 18)), 3))
    assert [(each.week, each.at) for each in found] == [
        ("2026-W51", local("2026-12-18T10:00")),
        ("2026-W53", local("2027-01-04T10:00")),
        ("2027-W01", local("2027-01-08T10:00")),
    ]


def test_a_review_on_a_saturday_is_meant_and_only_a_holiday_moves_it() -> None:
    saturdays = Schedule(cron("0 10 * * 6"), BERLIN, Holidays(dates=(date(2026, 10, 24),)))
    found = [each.at for each in islice(occasions(saturdays, date(2026, 10, 17)), 2)]
    assert found == [local("2026-10-17T10:00"), local("2026-10-26T10:00")]


def test_it_is_due_from_its_time_until_its_day_is_over_there() -> None:
    schedule = Schedule(cron("0 10 * * 5"), "Pacific/Auckland")
    starts, ends = (
        local("2026-10-16T10:00", schedule.time_zone),
        local("2026-10-17T00:00", schedule.time_zone),
    )
    before = due(schedule, starts - timedelta(seconds=1))
    assert before is None
    assert due(schedule, starts) == due(schedule, ends - timedelta(seconds=1)) is not None
    assert due(schedule, ends) is None
    following = upcoming(schedule, starts)
    assert following
    assert following.at == local("2026-10-23T10:00", schedule.time_zone)


def test_nothing_comes_after_the_last_day_that_there_is() -> None:
    never = Schedule(cron("0 10 31 4 *"))
    assert upcoming(never, local("2026-10-16T10:00")) is None
    assert due(never, local("2026-10-16T10:00")) is None


@pytest.mark.parametrize(
    ("line", "day", "held"),
    [
        # 29 March 2026: 02:30 is passed over; held as much later as the clocks jump.
        ("30 2 * * 0", "2026-03-29", "2026-03-29T01:30:00+00:00"),
        ("0 10 * * 0", "2026-03-29", "2026-03-29T08:00:00+00:00"),
        # 25 October 2026: 02:30 comes twice; held at the first.
        ("30 2 * * 0", "2026-10-25", "2026-10-25T00:30:00+00:00"),
        ("0 10 * * 0", "2026-10-25", "2026-10-25T09:00:00+00:00"),
    ],
)
def test_on_the_days_of_the_clocks_it_is_held_once_at_a_time_that_is_there(
    line: str, day: str, held: str
) -> None:
    schedule = Schedule(cron(line), BERLIN)
    at = next(occasions(schedule, date.fromisoformat(day))).at
    assert at.isoformat() == held
    minutes = [at + timedelta(minutes=n) for n in range(-180, 181)]
    found = [due(schedule, minute) for minute in minutes]
    assert [each is not None for each in found] == [minute >= at for minute in minutes]
    assert len({each for each in found if each}) == 1


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
schedules = st.builds(
    Schedule,
    st.one_of(
        st.builds(EveryWeeks, weeks=st.integers(1, 8), day=st.sampled_from(WEEK), at=st.times(), start=days),
        st.sampled_from(["0 10 * * 5", "0 0 * * 1,4", "59 23 1 * *", "30 2 * * 0", "0 10 * * *"]).map(cron),
    ),
    st.sampled_from(["UTC", BERLIN, "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
    st.one_of(st.just(BAVARIA), st.lists(days, max_size=30).map(lambda found: Holidays(dates=tuple(found)))),
    st.sampled_from([WORKDAYS, WEEK, (Weekday.WED,)]),
)


@given(schedules, days)
def test_each_review_is_held_once_in_order_and_on_no_holiday(schedule: Schedule, first: date) -> None:
    zone = ZoneInfo(schedule.time_zone)
    found = list(islice(occasions(schedule, first), 12))
    for before, after in pairwise(found):
        assert before.at < after.at
        assert before.planned < after.planned
    for each in found:
        day = each.at.astimezone(zone).date()
        assert day >= each.planned >= first
        assert not schedule.holidays.on(day)
        assert schedule.rule.falls_on(each.planned)
        assert each.week == week_of(each.planned)


@given(schedules, days, st.times())
def test_what_comes_next_is_not_due_yet_and_then_is(schedule: Schedule, day: date, at: time) -> None:
    now = datetime.combine(day, at, UTC)
    following = upcoming(schedule, now)
    if following is not None:
        assert following.at > now
        assert due(schedule, following.at) == following
        assert due(schedule, following.at - timedelta(microseconds=1)) != following
    begun = due(schedule, now)
    assert begun is None or begun.at <= now < begun.at + timedelta(hours=25)


def test_the_time_is_ten_unless_said() -> None:
    assert EveryWeeks.model_validate({"weeks": 1, "day": "fri", "start": date(2026, 1, 9)}).at == time(10)
