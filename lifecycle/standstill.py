"""What has stood too long in development: the limits, and what a team is told of once a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from lifecycle.calendar import (
    Duration,
    OfficeHours,
    WorkingHours,
    ZoneName,
    in_working_hours,
    subtract_working,
)


class Kind(StrEnum):
    """What can stand too long; in this order it is told."""

    RED_MAIN = "main is red"
    REVIEW = "waits for review"
    IN_PROGRESS = "in progress"


class Control(BaseModel):
    """How long things may stand in development before the daily digest tells of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_progress: Duration = timedelta(hours=40)
    review: Duration = timedelta(hours=8)
    red_main: Duration = timedelta(hours=1)
    working_time: bool = Field(default=True, description="count hours of work; false: all hours")
    time_zone: ZoneName = Field(default="UTC", description="the team's, for its working hours and its day")

    def limit(self, kind: Kind) -> timedelta:
        """How long this may stand."""
        limits = {Kind.RED_MAIN: self.red_main, Kind.REVIEW: self.review}
        return limits.get(kind, self.in_progress)


class Standstill(BaseModel):
    """One thing that has stood too long: since when, and who could move it (their names)."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    title: str
    url: str
    since: datetime
    who: tuple[str, ...] = ()


class Told(NamedTuple):
    """What the digest says: the lines it has room for, and how many it leaves out."""

    lines: tuple[Standstill, ...]
    more: int


def team_hours(rules: Control, office: OfficeHours) -> WorkingHours:
    """When the team works, by its own clock."""
    return WorkingHours.model_validate({**office.model_dump(), "time_zone": rules.time_zone})


def too_long_since(kind: Kind, rules: Control, office: OfficeHours, now: datetime) -> datetime:
    """What has stood since then or longer has stood too long at `now` (aware)."""
    limit = rules.limit(kind)
    return subtract_working(now, limit, team_hours(rules, office)) if rules.working_time else now - limit


def day_of(rules: Control, now: datetime) -> str:
    """The team's day at `now`, such as 2026-11-20: one digest belongs to it."""
    return now.astimezone(ZoneInfo(rules.time_zone)).date().isoformat()


def may_tell(rules: Control, office: OfficeHours, now: datetime) -> bool:
    """Whether the team is at work at `now` (aware)."""
    return in_working_hours(now, team_hours(rules, office))


def told(found: Iterable[Standstill], room: int) -> Told:
    """What goes into a digest with `room` lines: kind by kind, what stands longest first."""
    order: Sequence[Kind] = tuple(Kind)
    ranked = sorted(found, key=lambda each: (order.index(each.kind), each.since, each.url))
    return Told(tuple(ranked[:room]), max(0, len(ranked) - room))
