"""Environments as the ledger and GitLab have them: taking one for a release, and what they serve."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from integrations.errors import Conflict
from integrations.ledger import Event
from lifecycle import events, occupancy
from lifecycle import release as rules
from lifecycle.freezes import GitLabPeriod, Window
from lifecycle.occupancy import Occupancy, Taken
from lifecycle.release import Phase, Release
from lifecycle.verdict import Verdict
from tasks.context import gitlab, ledger, policy
from tasks.walk import new_events


def seen(project: str, environment: str) -> tuple[Occupancy, Sequence[Event]]:
    """Who has the environment, and the events behind it."""
    history = ledger().events(occupancy.stream(project, environment))
    return occupancy.fold(event.data for event in history), history


def holder(state: Occupancy) -> Release | None:
    """The release that took the environment last, whether it still needs it or not."""
    if state.taken is None:
        return None
    return rules.fold(events.parse(event.data) for event in ledger().events(state.taken.release))


def had_by(environment: str, state: Occupancy, now: datetime) -> str:
    """The stream of the release that has the environment, "" while it is free."""
    taken = state.taken
    return taken.release if taken and occupancy.needs(environment, taken, holder(state), now) else ""


def take(subject: str, release: Release, environment: str, now: datetime) -> Verdict:
    """Have the environment for the newest candidate, or why not. What the release has already it keeps.

    Of two that take it at the same moment the ledger lets one through. Whoever has to give way is woken.
    """
    candidate, project = release.candidate, release.plan.project
    assert candidate is not None
    for _ in range(10):
        state, history = seen(project, environment)
        verdict = occupancy.may_take(environment, state, release, holder(state), now)
        taken = state.taken
        if not verdict.allowed or _mine(taken, subject, release, environment, now):
            return verdict
        gone = had_by(environment, state, now)
        fact = Taken(
            round=taken.round + 1 if taken else 1,
            release=subject,
            number=candidate.number,
            sha=candidate.sha,
            at=now,
            attempt=release.attempt + 1,
            instead_of="" if gone == subject else gone,
        )
        stream = occupancy.stream(project, environment)
        expected = history[-1].revision if history else 0
        also = [fact.instead_of] if fact.instead_of else []
        try:
            told = ledger().append(
                stream, new_events(stream, [fact]), now=now, expected=expected, wake_also=also
            )
        except Conflict:
            continue
        if told.inserted:  # else another release took it, as the same one in the count
            return verdict
    raise Conflict("ledger", "take", environment)


def _mine(taken: Taken | None, subject: str, release: Release, environment: str, now: datetime) -> bool:
    """It is taken for this very candidate; production for this attempt, so lately that nobody else may."""
    number = release.candidate.number if release.candidate else 0
    if taken is None or (taken.release, taken.number) != (subject, number):
        return False
    lately = taken.attempt == release.attempt + 1 and now - taken.at < occupancy.DECIDING / 2
    return environment != "production" or lately


def waiting(project: str) -> list[str]:
    """The streams of the releases that may be waiting for an environment."""
    found: list[str] = []
    for subject in ledger().subjects(f"release:{project}:"):
        release = rules.fold(events.parse(event.data) for event in ledger().events(subject))
        if release is not None and release.phase in (Phase.STAGING, Phase.SIGN_OFF, Phase.ROLLED_BACK):
            found.append(subject)
    return found


def taken_over_by(subject: str, release: Release) -> str:
    """The stream of the release that has taken staging from this one, "" if none has."""
    state, _ = seen(release.plan.project, "staging")
    return "" if state.taken is None or state.taken.release == subject else state.taken.release


def windows(project: str) -> tuple[Window, ...]:
    """The policy's freezes, and GitLab's freeze periods of the project."""
    rules_ = policy()
    periods = gitlab().environments.freeze_periods(rules_.project(project).gitlab)
    told = (GitLabPeriod(p.id, p.freeze_start, p.freeze_end, p.cron_timezone) for p in periods)
    return (*rules_.freezes, *told)


def back_since(project_id: int, environment: str, sha: str, deployment: int | None) -> datetime | None:
    """When the environment came back to `sha`, by GitLab's clock.

    None if nothing else was there since `deployment` (None: it is not on record), by the last 20.
    """
    found = gitlab().environments.deployments(project_id, environment, status="success", limit=20)
    later = [each for each in found if each.id > (deployment or 0)]
    mine = list(takewhile(lambda each: each.sha == sha, later))
    return mine[-1].finished_at if mine and len(mine) < len(later) else None


def serves(project_id: int, environment: str) -> str:
    """The commit of the environment's newest successful deployment; "" if there is none."""
    found = gitlab().environments.deployments(project_id, environment, status="success", limit=1)
    return found[0].sha if found else ""
