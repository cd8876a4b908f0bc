"""What is done while a sign-off waits: reminders, then the deputies, then the end of its time.

Times count from the asking. Whom a message goes to gets it in their own working hours: one that falls
outside them is due when they begin. What was done is a fact, so nothing is done twice; of several rungs
that passed while nobody looked only the last is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from lifecycle import events as e
from lifecycle import signoff
from lifecycle.calendar import add_working
from lifecycle.policy import Person, Policy, Step
from lifecycle.release import Release


class Ladder(BaseModel):
    """The facts that are due now, and when the next one is (None: nothing more will happen by itself)."""

    model_config = ConfigDict(frozen=True)
    facts: tuple[e.SignOffReminded | e.DeputyAsked | e.SignOffExpired, ...] = ()
    next: datetime | None = None


def climb(
    release: Release, step: Step, asked_at: Mapping[str, datetime], policy: Policy, now: datetime
) -> Ladder:
    """How far the questions of `step` have come at `now`; `asked_at` by request, aware."""
    facts: list[e.SignOffReminded | e.DeputyAsked | e.SignOffExpired] = []
    ahead: list[datetime] = []
    for request, expires in _expiries(release, step, asked_at):
        if expires <= now:
            facts.append(e.SignOffExpired(request=request))
        else:
            ahead.append(expires)
    gone = {fact.request for fact in facts if isinstance(fact, e.SignOffExpired)}
    for person_id, asks in signoff.awaited(release, step, policy).items():
        person = policy.person(person_id)
        since = [asked_at[a.request] for a in asks if a.request not in gone]
        if person is None or not since or not set(step.quorum) & set(person.roles):
            continue  # deputies were told when they were asked
        steps = [*_reminders(release, step, min(since), person, policy)]
        steps += _deputy(release, step, min(since), person, policy)
        due = [fact for at, fact in steps if at <= now]
        ahead += [at for at, _ in steps if at > now]
        facts += _last_rung(due)
    return Ladder(facts=tuple(facts), next=min(ahead, default=None))


def _expiries(
    release: Release, step: Step, asked_at: Mapping[str, datetime]
) -> Iterator[tuple[str, datetime]]:
    for ask in release.asked_now(step.id):
        if release.is_open(ask.request) and signoff.missing(release, ask.request, step):
            yield ask.request, asked_at[ask.request] + step.expires


_Timed = tuple[datetime, "e.SignOffReminded | e.DeputyAsked"]


def _reminders(
    release: Release, step: Step, since: datetime, person: Person, policy: Policy
) -> Iterator[_Timed]:
    """The rungs above the last one of which this person heard."""
    number = release.candidate.number if release.candidate else 0
    heard = [r.rung for r in release.reminded if (r.step, r.number, r.person) == (step.id, number, person.id)]
    for rung, after in enumerate(step.remind, 1):
        if rung > max(heard, default=0):
            fact = e.SignOffReminded(step=step.id, number=number, rung=rung, person=person.id)
            yield _at_work(since + after, person, policy), fact


def _deputy(
    release: Release, step: Step, since: datetime, person: Person, policy: Policy
) -> Iterator[_Timed]:
    """The person's deputy, unless they may sign in their own right, as an equal, or were asked already."""
    deputy = policy.person(person.deputy) if person.deputy else None
    number = release.candidate.number if release.candidate else 0
    asked = [(d.step, d.number, d.person) for d in release.deputies]
    if deputy is None or not deputy.active or (step.id, number, person.id) in asked:
        return
    if any(role in deputy.roles for role in step.quorum):
        return
    fact = e.DeputyAsked(step=step.id, number=number, person=person.id, deputy=deputy.id)
    yield _at_work(since + step.due, deputy, policy), fact


def _at_work(at: datetime, person: Person, policy: Policy) -> datetime:
    return add_working(at, timedelta(0), policy.hours_of(person))


def _last_rung(
    due: list[e.SignOffReminded | e.DeputyAsked],
) -> list[e.SignOffReminded | e.DeputyAsked]:
    """One reminder at a time."""
    reminders = [fact for fact in due if isinstance(fact, e.SignOffReminded)]
    return [*reminders[-1:], *(fact for fact in due if not isinstance(fact, e.SignOffReminded))]
