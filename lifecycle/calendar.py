"""Durations, working hours and deadlines. Zones are named, every `now` is aware."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PARTS = re.compile(r"(\d+(?:\.\d+)?)([wdhms])", re.ASCII)
_WHOLE = r"^(\d+(\.\d+)?[wdhms])+$"


def duration(value: object) -> timedelta:
    """Read `90s`, `15m`, `8h`, `7d`, `2w`, `1h30m`, or a number of seconds; zero but not less.

    A day is 24 hours and a week seven of them, whatever the clocks do.

    Raises:
        ValueError: it is none of these; the policy's reader shows the text.
    """
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    elif isinstance(value, str) and re.fullmatch(_WHOLE, value, re.ASCII):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(value))
    else:
        raise ValueError(f"{value!r} is no duration; write it like 90s, 15m, 8h, 7d or 2w")
    if not 0 <= seconds < 86_400 * 36_500:
        raise ValueError(f"{value!r} is no duration between 0 and 100 years")
    return timedelta(seconds=seconds)


def duration_text(value: timedelta) -> str:
    """Write a duration as people do, in the largest units that say it exactly: `1h30m`, `2w`, `0s`.

    `duration` reads it back to the same value.
    """
    left, micro = divmod(value, timedelta(seconds=1))
    parts: list[str] = []
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        fraction = f".{micro.microseconds:06d}".rstrip("0") if unit == "s" and micro else ""
        if count or fraction:
            parts.append(f"{count}{fraction}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": _WHOLE}, {"type": "number", "minimum": 0}]}),
]
"""A field of the policy that is written like `15m`."""


def is_zone(name: str) -> bool:
    """Whether this is the name of an IANA time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # an unknown name, a path, a folder's name
        return False
    return True


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise ValueError(f"{name!r} is no IANA time zone; write it like Europe/Berlin")
    return name


ZoneName = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone, e.g. `Europe/Berlin`."""


class Weekday(StrEnum):
    """The days of a week as the policy writes them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEK: tuple[Weekday, ...] = tuple(Weekday)
WORKDAYS: tuple[Weekday, ...] = WEEK[:5]


class OfficeHours(BaseModel, frozen=True, extra="forbid"):
    """When somebody may be expected to answer: `start` to `end` on each of `days`, by their wall clock.

    `end` is the first moment that no longer counts. No shift goes over midnight.
    """

    start: time = time(9)
    end: time = time(17)
    days: tuple[Weekday, ...] = WORKDAYS
    holidays: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("start and end are wall-clock times; the zone is time_zone")
        if self.start >= self.end:
            raise ValueError("working hours must end after they start, on the same day")
        if not self.days:
            raise ValueError("working hours need at least one day")
        return self


class WorkingHours(OfficeHours, frozen=True, extra="forbid"):
    """Office hours somewhere."""

    time_zone: ZoneName = "UTC"

    def windows(self, after: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working windows that end after `after`, for ever, as UTC (opens, closes).

        A window that a change of the clocks leaves without a moment is passed over.
        """
        day = after.astimezone(ZoneInfo(self.time_zone)).date()
        while True:
            window = self.window(day)
            if window is not None and max(window[0], after) < window[1]:
                yield window
            day += timedelta(days=1)

    def window(self, day: date) -> tuple[datetime, datetime] | None:
        """The UTC (opens, closes) of `day`, by the calendar of the zone; None if nobody works then."""
        if WEEK[day.weekday()] not in self.days or day in self.holidays:
            return None
        zone = ZoneInfo(self.time_zone)
        opens = datetime.combine(day, self.start, zone).astimezone(UTC)
        return opens, datetime.combine(day, self.end, zone).astimezone(UTC)


def in_working_hours(now: datetime, hours: WorkingHours) -> bool:
    """Tell whether somebody may be expected to answer at `now` (aware)."""
    opens, _ = next(hours.windows(_aware(now)))
    return opens <= now


def add_working(now: datetime, wait: timedelta, hours: WorkingHours) -> datetime:
    """Return the UTC time at which `wait` of working time has passed since `now` (aware).

    Working time is real time inside the windows, so a shift during which the clocks change is an hour
    shorter or longer. Nothing to wait for gives `now`, or the next opening if nobody works then.

    Raises:
        ValueError: `now` has no zone, or `wait` is negative.
    """
    if wait < timedelta(0):
        raise ValueError("a deadline lies ahead")
    at = _aware(now)
    for opens, closes in hours.windows(at):
        begins = max(opens, at)
        if begins + wait <= closes:
            return begins + wait
        wait -= closes - begins
    raise AssertionError("windows never end")  # pragma: no cover


def subtract_working(now: datetime, wait: timedelta, hours: WorkingHours) -> datetime:
    """Return the latest UTC time since which `wait` of working time has passed at `now` (aware).

    The other way round than `add_working`, which says more of working time.
    """
    if wait < timedelta(0):
        raise ValueError("what has passed lies behind")
    at = _aware(now)
    day = at.astimezone(ZoneInfo(hours.time_zone)).date()
    while wait:
        opens, closes = hours.window(day) or (at, at)
        worked = max(timedelta(0), min(closes, at) - opens)
        if worked >= wait:
            return min(closes, at) - wait
        wait -= worked
        day -= timedelta(days=1)
    return at


def wall_clock(text: str, zone: str) -> datetime:
    """The UTC moment at which a clock in `zone` (IANA) shows `text`, such as `2026-10-24 22:00`.

    A text with an offset (`2026-10-25T02:30+01:00`) is that moment, whatever the zone.

    Raises:
        ValueError: it is no time; or the clocks pass over it, or show it twice, on that day.
    """
    local = datetime.fromisoformat(text.strip())
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    first, second = (local.replace(tzinfo=ZoneInfo(_known_zone(zone)), fold=fold) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(first.tzinfo).replace(tzinfo=None) != local:
        raise ValueError(f"{text} does not exist in {zone}: the clocks are put forward over it")
    if first.utcoffset() != second.utcoffset():
        shown = " or ".join(one.isoformat(timespec="minutes") for one in (first, second))
        raise ValueError(f"{text} happens twice in {zone}: say {shown}")
    return first.astimezone(UTC)


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("a time without a zone says nothing; give an aware one")
    return now.astimezone(UTC)
