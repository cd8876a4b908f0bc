"""Locking an environment and unlocking it: who may, and the record of it."""

from __future__ import annotations

from datetime import datetime

from lifecycle import occupancy
from lifecycle.calendar import wall_clock
from lifecycle.occupancy import Locked, Unlocked
from lifecycle.policy import Person, Project
from tasks import occupying
from tasks.context import ledger, policy
from tasks.deciding import decided, no, record_all
from tasks.decisions import Outcome


def lock(
    project: str,
    environment: str,
    person: str,
    reason: str,
    until: str = "",
    zone: str = "",
    *,
    now: datetime | None = None,
) -> Outcome:
    """Keep deployments away from `environment`; `until` is a wall-clock time in `zone` (the person's own).

    A release that would deploy there waits; rollbacks go on.
    """
    target = occupancy.stream(project, environment)

    def attempt(who: Person, at: datetime) -> Outcome:
        refusal = _may(who) or _unknown(policy().project(project), environment)
        if refusal:
            return no(f"Not locked: {refusal}.")
        if not reason.strip():
            return no("Not locked: say why.")
        try:
            ends = wall_clock(until, zone or who.time_zone) if until else None
        except ValueError as error:
            return no(f"Not locked: {error}.")
        if ends is not None and ends <= at:
            return no("Not locked: that time is over.")
        state, history = occupying.seen(project, environment)
        present = state.locked(at)
        if present is not None:
            return no(f"{environment} is locked already, by {present.person}: {present.reason}", target)
        fact = Locked(round=state.locks + 1, person=who.id, reason=reason.strip(), until=ends)
        record_all(target, [fact], history, at)
        return Outcome(accepted=True, message=f"{environment} is locked.", subject=target)

    return decided(attempt, person, target, now)


def unlock(project: str, environment: str, person: str, *, now: datetime | None = None) -> Outcome:
    """Take the lock away."""
    target = occupancy.stream(project, environment)

    def attempt(who: Person, at: datetime) -> Outcome:
        if refusal := _may(who):
            return no(f"Not unlocked: {refusal}.")
        state, history = occupying.seen(project, environment)
        if state.locked(at) is None:
            return no(f"{environment} is not locked.", target)
        record_all(target, [Unlocked(round=state.locks, person=who.id)], history, at)
        for subject in occupying.waiting(project):
            ledger().wake(subject, at)
        return Outcome(accepted=True, message=f"{environment} is unlocked.", subject=target)

    return decided(attempt, person, target, now)


def _may(who: Person) -> str:
    able = set(occupancy.LOCKERS) & set(who.roles)
    return "" if able else f"that is for {', '.join(occupancy.LOCKERS)}"


def _unknown(project: Project, environment: str) -> str:
    names = [place.name for place in project.places]
    return "" if environment in names else f"{project.name} has {', '.join(names)}, no {environment}"
