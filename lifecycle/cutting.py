"""When candidates are cut, as the policy says it; the rule itself is in `lifecycle.candidates`."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lifecycle.calendar import ZoneName
from lifecycle.review_calendar import Schedule, cron, occasions

_ANY_DAY = date(2024, 1, 1)


class When(StrEnum):
    """What makes the next candidate due; a person may ask for one at any time, whichever it is."""

    COMPLETE = "complete"
    COUNT = "count"
    SCHEDULE = "schedule"
    HAND = "hand"


class Candidates(BaseModel):
    """When the next candidate is cut. A hotfix is cut as `complete` whatever is said here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: When = When.COMPLETE
    issues: int | None = Field(default=None, ge=1, description="for `count`: so many newly finished issues")
    cron: str | None = Field(default=None, description="for `schedule`: minute hour day month weekday")
    time_zone: ZoneName = "UTC"

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> Self:
        if (self.issues is not None) != (self.when is When.COUNT):
            raise ValueError("candidates: `issues` is given with `when: count`, and only there")
        if (self.cron is not None) != (self.when is When.SCHEDULE):
            raise ValueError("candidates: `cron` is given with `when: schedule`, and only there")
        if self.when is When.SCHEDULE and next(occasions(self.schedule, _ANY_DAY), None) is None:
            raise ValueError(f"candidates: {self.cron!r} names no day that ever comes")
        return self

    @property
    def schedule(self) -> Schedule:
        """The days of `when: schedule`."""
        return Schedule(cron(self.cron or ""), self.time_zone)
