"""One weekly review's walk: what its stages see. The stages themselves are the process (flows/)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from prefect.runtime import flow_run

from integrations.ledger import Event
from lifecycle import review
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

    def settle(self) -> None:
        """Make the review's message say what the ledger says."""
        planning_messages.refresh(self.subject)


def review_walks(project: str, week: str | None) -> Iterator[ReviewWalk]:
    """Walk this run's review until it waits or has ended; see `tasks.walk.walks`."""
    return walks(review.stream(project, this_week(project, week)), ReviewWalk)


def this_week(project: str, week: str | None, now: datetime | None = None) -> str:
    """The ISO week of this run's review: as given, as this very run once began with, or the present one.

    A run that waits over a week's end stays with the week it began in.

    Raises:
        ValueError: `week` is not written as `2026-W42`.
    """
    if week is not None:
        if not re.fullmatch(r"\d{4}-W\d{2}", week):
            raise ValueError(f"not an ISO week such as 2026-W42: {week!r}")
        return week
    run_id = flow_run.id
    begun = ledger().wakeup_of_run(str(run_id)) if run_id else None
    prefix = review.stream(project, "")
    if begun is not None and begun.subject.startswith(prefix):
        return begun.subject.removeprefix(prefix)
    zone = ZoneInfo(policy().review.time_zone)
    return review.week_of((now or datetime.now(UTC)).astimezone(zone))


def run_name() -> str:
    """The name of the flow run that executes this: which review it is."""
    given: dict[str, str | None] = flow_run.parameters or {}
    project = str(given.get("project"))
    return f"weekly review {this_week(project, given.get('week'))}"
