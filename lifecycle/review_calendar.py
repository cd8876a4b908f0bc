"""On which days the weekly review is held: a rule of the calendar, moved out of the way of holidays.

A review belongs to the ISO week of the day it was planned for, wherever a holiday moves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator, model_validator

from lifecycle.calendar import WEEK, WORKDAYS, Weekday

_DAY = timedelta(days=1)
_LONGEST_MOVE = timedelta(days=60)
_FAR = timedelta(days=9 * 366)
"""Every day of the calendar, 29 February too, comes at least once in so long a time."""

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES: Mapping[str, Mapping[str, int]] = {
    "month": {name: number for number, name in enumerate(_MONTHS, 1)},
    "weekday": {day.value: number for number, day in enumerate(WEEK, 1)},
}
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", re.ASCII)


class Cron(NamedTuple):
    """What a cron line means for a review: one time, on the days it names. Weekday 0 is Sunday."""

    at: time
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def falls_on(self, day: date) -> bool:
        """Whether the review is planned for `day`; if both are given, a day of month or a weekday will do."""
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = by_date or by_weekday if self.either else by_date and by_weekday
        return fits and day.month in self.months


def cron(line: str) -> Cron:
    """Read `minute hour day month weekday`.

    Raises:
        ValueError: it is none, or it names more than one time of the day: a review is held once a day.
    """
    parts = line.lower().split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{line!r} is no cron line: minute hour day month weekday, such as 0 10 * * 5")
    minutes, hours, days, months, weekdays = (
        _numbers(part, *field) for part, field in zip(parts, _FIELDS, strict=True)
    )
    if len(minutes) > 1 or len(hours) > 1:
        raise ValueError(f"{line!r} names many times of a day; a review needs one minute and one hour")
    either = not parts[2].startswith("*") and not parts[4].startswith("*")
    at = time(min(hours), min(minutes))
    return Cron(at, days, months, frozenset(n % 7 for n in weekdays), either)


def _numbers(part: str, name: str, least: int, most: int) -> frozenset[int]:
    """The numbers that one field of a cron line stands for."""
    found: set[int] = set()
    for piece in part.split(","):
        match = _PART.fullmatch(piece)
        if match is None:
            raise ValueError(f"{piece!r} is no {name} of a cron line")
        first, last, step = match.groups()
        begin = least if first == "*" else _number(first, name)
        open_ended = first == "*" or (step and last is None)
        end = _number(last, name) if last else most if open_ended else begin
        if not least <= begin <= end <= most or step == "0":
            raise ValueError(f"{piece!r} is no {name} from {least} to {most}")
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(word: str, name: str) -> int:
    named = _NAMES.get(name, {}).get(word)
    if named is None and not word.isdecimal():
        raise ValueError(f"{word!r} is no {name} of a cron line")
    return int(word) if named is None else named


class EveryWeeks(BaseModel, frozen=True, extra="forbid"):
    """Every `weeks` weeks on `day` at `at`, counted from the week of `start`, and not before it."""

    weeks: int = Field(ge=1, le=52)
    day: Weekday
    at: time = time(10)
    start: date

    @field_validator("at", mode="before")
    @classmethod
    def _written_as_a_time(cls, value: object) -> object:
        # YAML reads 10:00 without quotes as the number 600.
        if isinstance(value, int | float):
            raise ValueError("write the time in quotes, such as '10:00'")
        return value

    @field_validator("at")
    @classmethod
    def _wall_clock(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("at is a wall-clock time; the zone is time_zone")
        return value

    def falls_on(self, day: date) -> bool:
        """Whether the review is planned for `day`."""
        weeks = (_monday(day) - _monday(self.start)).days // 7
        return day >= self.start and WEEK[day.weekday()] is self.day and weeks % self.weeks == 0


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


class Holidays(BaseModel, frozen=True, extra="forbid"):
    """Days without a review: `dates`, and the public holidays of a country or of its subdivision.

    `country` and `subdivision` are ISO 3166 codes as the library `holidays` has them: DE and BY.
    """

    country: str = ""
    subdivision: str = ""
    dates: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.subdivision and not self.country:
            raise ValueError("a subdivision needs its country")
        if self.country:
            import holidays as public

            try:
                public.country_holidays(self.country, subdiv=self.subdivision or None)
            except NotImplementedError as error:
                raise ValueError(f"no public holidays are known: {error}") from None
        return self

    def on(self, day: date) -> str:
        """The name of the holiday that `day` is, "" if it is none."""
        if day in self.dates:
            return "a listed holiday"
        if not self.country:
            return ""
        return _public(self.country, self.subdivision, day.year).get(day, "")


@lru_cache(maxsize=64)
def _public(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    import holidays as public

    found = public.country_holidays(country, subdiv=subdivision or None, years=year)
    return {day: str(name) for day, name in found.items()}


class Schedule(NamedTuple):
    """All that says when the review is. `time_zone`: IANA; `working_days`: to which a holiday moves it."""

    rule: Cron | EveryWeeks
    time_zone: str = "UTC"
    holidays: Holidays = Holidays()
    working_days: Sequence[Weekday] = WORKDAYS


class Occasion(NamedTuple):
    """One review: its ISO week, the day it was planned for, and when it is held (UTC)."""

    week: str
    planned: date
    at: datetime


def week_of(day: date) -> str:
    """The ISO week of a day, or of an aware time by that time's own zone: `2026-W42`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def occasions(schedule: Schedule, first: date) -> Iterator[Occasion]:
    """The reviews planned for `first` or later, in order, for some years.

    A holiday moves a review to the next working day that is none. One that would be moved to the day of the
    next review, or past it, is left out: the next one is held instead of both. A time that the clocks pass
    over is held as much later as they jump; of one that they show twice, the first.
    """
    planned = (first + _DAY * n for n in range(_FAR.days) if schedule.rule.falls_on(first + _DAY * n))
    day = next(planned, None)
    while day is not None:
        following = next(planned, None)
        held = _held_on(day, schedule)
        if following is None or held < following:
            local = datetime.combine(held, schedule.rule.at, ZoneInfo(schedule.time_zone))
            yield Occasion(week_of(day), day, local.astimezone(UTC))
        day = following


def _held_on(day: date, schedule: Schedule) -> date:
    if not schedule.holidays.on(day):
        return day
    while schedule.holidays.on(day) or WEEK[day.weekday()] not in schedule.working_days:
        day += _DAY
    return day


def due(schedule: Schedule, now: datetime) -> Occasion | None:
    """The review that is to begin at `now` (aware): from its time on, until its day is over there.

    A day that was missed is not made up for: a person starts that review.
    """
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    begun = [each for each in _around(schedule, now) if each.at <= now]
    last = begun[-1] if begun else None
    return last if last and last.at.astimezone(ZoneInfo(schedule.time_zone)).date() == today else None


def upcoming(schedule: Schedule, now: datetime) -> Occasion | None:
    """The first review after `now` (aware); None if there is none in the next years."""
    first = now.astimezone(ZoneInfo(schedule.time_zone)).date() - _LONGEST_MOVE
    return next((each for each in occasions(schedule, first) if each.at > now), None)


def _around(schedule: Schedule, now: datetime) -> Iterator[Occasion]:
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    for each in occasions(schedule, today - _LONGEST_MOVE):
        if each.planned > today:
            return
        yield each
