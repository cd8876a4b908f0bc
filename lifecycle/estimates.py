"""What finished requests really took, by what they had been estimated at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from statistics import median
from typing import Literal, NamedTuple

from pydantic import AwareDatetime, Field

from lifecycle.events import Fact
from lifecycle.metrics import StatusChange
from lifecycle.values import Finished
from lifecycle.workflow import Status


class Took(Fact, frozen=True):
    """The request `issue` went into production with `version`; a fact of the `finished:{project}` stream.

    `points`: what a person had estimated, None for nothing. `days`: calendar days of 24 hours from its first
    In Progress to production, None where Jira's history does not tell.
    """

    identity = ("version", "issue")
    kind: Literal["Took"] = "Took"
    version: str
    issue: str
    title: str
    points: int | None = Field(default=None, ge=1)
    days: float | None = Field(default=None, ge=0)
    released: AwareDatetime

    @property
    def finished(self) -> Finished:
        """What the suggestions need of it."""
        return Finished(key=self.issue, points=self.points, days=self.days)


def stream(project: str) -> str:
    """The stream in the ledger of what a project's finished requests took."""
    return f"finished:{project}"


def days_taken(changes: Iterable[StatusChange], released: datetime) -> float | None:
    """Days from the first In Progress to `released`, None if it never was In Progress before that."""
    starts = [
        change.at for change in changes if change.status is Status.IN_PROGRESS and change.at <= released
    ]
    return round((released - min(starts)).total_seconds() / 86_400, 4) if starts else None


class Figure(NamedTuple):
    """What the finished requests of one estimate took, in days."""

    points: int
    finished: int
    median_days: float
    shortest: float
    longest: float


def per_size(told: Iterable[Took]) -> tuple[Figure, ...]:
    """One figure per estimate that was measured at least once, the smallest first.

    A request that went out twice, after a rollback, counts with the last time.
    """
    last = {took.issue: took for took in told}
    days: defaultdict[int, list[float]] = defaultdict(list)
    for took in last.values():
        if took.points is not None and took.days is not None:
            days[took.points].append(took.days)
    return tuple(
        Figure(points, len(found), round(median(found), 4), min(found), max(found))
        for points, found in sorted(days.items())
    )
