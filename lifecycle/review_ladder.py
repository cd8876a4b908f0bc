"""What is done while a review waits: one reminder, then the deputies of who holds a missing role.

Times count from its beginning; whom a message goes to gets it in their own working hours. What was done is a
fact, so nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from lifecycle.calendar import WorkingHours, add_working
from lifecycle.policy import Person, Policy
from lifecycle.review import Review, ReviewDeputyAsked, ReviewReminded, missing_roles

_Fact = ReviewReminded | ReviewDeputyAsked


class Ladder(BaseModel, frozen=True):
    """The facts that are due now, and when the next one is (None: nothing more happens by itself)."""

    facts: tuple[_Fact, ...] = ()
    next: datetime | None = None


def climb(review: Review, policy: Policy, now: datetime) -> Ladder:
    """How far the waiting for people has come at `now` (aware)."""
    if review.proposed is None or review.closed is not None:
        return Ladder()
    late = review.proposed.due
    missing = missing_roles(review, policy)
    holders = {person.id: person for role in missing for person in policy.with_role(role)}
    rungs = [*_reminders(review, policy, holders.values(), late)]
    asked = late + policy.review.deputies_after - policy.review.due
    for person in holders.values():
        rungs += _deputy(review, policy, person, missing, asked)
    return Ladder(
        facts=tuple(fact for at, fact in rungs if at <= now),
        next=min((at for at, _ in rungs if at > now), default=None),
    )


def _reminders(
    review: Review, policy: Policy, holders: Iterable[Person], late: datetime
) -> Iterator[tuple[datetime, _Fact]]:
    told = {fact.person for fact in review.reminded}
    for person in holders:
        if person.id not in told:
            yield _at_work(late, policy.hours_of(person)), ReviewReminded(person=person.id)
    if not missing_roles(review, policy) and "" not in told:
        hours = {**policy.working_hours.model_dump(), "time_zone": policy.review.time_zone}
        yield _at_work(late, WorkingHours.model_validate(hours)), ReviewReminded(person="")


def _deputy(
    review: Review, policy: Policy, person: Person, missing: tuple[str, ...], after: datetime
) -> Iterator[tuple[datetime, _Fact]]:
    """The person's deputy, unless they may take part in their own right or were asked already."""
    deputy = policy.person(person.deputy) if person.deputy else None
    if deputy is None or not deputy.active or any(fact.person == person.id for fact in review.deputies):
        return
    if any(role not in deputy.roles for role in person.roles if role in missing):
        fact = ReviewDeputyAsked(person=person.id, deputy=deputy.id)
        yield _at_work(after, policy.hours_of(deputy)), fact


def _at_work(at: datetime, hours: WorkingHours) -> datetime:
    return add_working(at, timedelta(0), hours)
