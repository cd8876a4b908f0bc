"""One weekly review's walk: what its stages see. The stages themselves are the process (flows/)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from prefect.runtime import flow_run

from integrations.ledger import Event
from lifecycle import review, review_calendar
from lifecycle.policy import Policy, Project
from lifecycle.review import Review
from tasks import planning_messages
from tasks.context import ledger, policy
from tasks.walk import Walk, walks


class ReviewWalk(Walk):
    """A pass over the chain of one review. `review` is its present state."""

    review: Review
    history: tuple[Event, ...]

    def __init__(self, subject: str, now: datetime, check_lease: Callable[[], None]) -> None:
        _, project, self.week = subject.split(":", 2)
        self.policy: Policy = policy()
        self.project: Project = self.policy.project(project)
        super().__init__(subject, now, check_lease)

    def read(self) -> None:
        """Fold what the ledger says; a review that has just begun is empty."""
        self.history = ledger().events(self.subject)
        self.review = review.fold(review.parse(event.data) for event in self.history)

    @property
    def ended(self) -> bool:
        """The plan is written."""
        return self.review.written is not None

    def at(self, kind: str) -> datetime:
        """When the last event of `kind` was recorded; `now` if there is none."""
        return next((event.at for event in reversed(self.history) if event.kind == kind), self.now)

    def settle(self) -> None:
        """Make the review's message say what the ledger says."""
        planning_messages.refresh(self.subject)


@dataclass(frozen=True)
class Turn:
    """The ISO week whose review this run is to walk, or None and why there is none."""

    week: str | None
    why: str = ""


def turn(project: str, week: str | None, now: datetime | None = None) -> Turn:
    """Which review this run walks: as given, as this very run once began with, or the one due now.

    A run that waits over a week's end stays with the week it began in. A review that is due begins once.

    Raises:
        ValueError: `week` is not written as `2026-W42`.
    """
    if week is not None:
        if not re.fullmatch(r"\d{4}-W\d{2}", week):
            raise ValueError(f"not an ISO week such as 2026-W42: {week!r}")
        return Turn(week)
    run_id = flow_run.id
    begun = ledger().wakeup_of_run(str(run_id)) if run_id else None
    prefix = review.stream(project, "")
    if begun is not None and begun.subject.startswith(prefix):
        return Turn(begun.subject.removeprefix(prefix))
    moment = now or datetime.now(UTC)
    found = review_calendar.due(policy().review_schedule, moment)
    if found is None:
        return Turn(None, when_next(moment))
    if is_there(review.stream(project, found.week)):
        return Turn(None, f"the review of {found.week} has begun already")
    return Turn(found.week)


def when_next(now: datetime) -> str:
    """When the policy has the next review after `now` (aware), in words."""
    following = review_calendar.upcoming(policy().review_schedule, now)
    return f"the next is due {following.at:%Y-%m-%d %H:%M} UTC" if following else "none is due"


def is_there(stream: str) -> bool:
    """Whether this review has begun, or is about to."""
    wakeup = ledger().wakeup(stream)
    return ledger().revision(stream) > 0 or wakeup.run_id is not None or wakeup.pending


def this_week(now: datetime) -> str:
    """The ISO week of `now` (aware) where the team is."""
    return review_calendar.week_of(now.astimezone(ZoneInfo(policy().review.time_zone)))


def week_to_start(now: datetime) -> str:
    """The ISO week of the review that a person starts now: a moved one, today's, or the present week's."""
    schedule = policy().review_schedule
    ahead, today = review_calendar.upcoming(schedule, now), review_calendar.due(schedule, now)
    if ahead and review_calendar.week_of(ahead.planned) < this_week(now):
        return ahead.week
    return today.week if today else this_week(now)


def review_walks(project: str, week: str) -> Iterator[ReviewWalk]:
    """Walk this run's review until it waits or has ended; see `tasks.walk.walks`."""
    return walks(review.stream(project, week), ReviewWalk)


def run_name() -> str:
    """The name of the flow run that executes this: which review it is."""
    given: dict[str, str | None] = flow_run.parameters or {}
    week = turn(str(given.get("project")), given.get("week")).week
    return f"weekly review {week}" if week else "no weekly review today"
