"""Where a release stands, in a person's words: for whom it waits, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.ledger import Event
from lifecycle import events, signoff
from lifecycle import release as rules
from lifecycle.policy import Policy
from lifecycle.release import Phase, Release


@dataclass(frozen=True)
class Standing:
    """One release now. `since`: when its phase began, aware UTC."""

    release: Release
    waiting: str
    since: datetime


def standing(history: Sequence[Event], policy: Policy) -> Standing:
    """What the release's events add up to.

    Raises:
        ValueError: there are none.
    """
    release: Release | None = None
    since: datetime | None = None
    for recorded in history:
        before = release.phase if release else None
        release = rules.apply(release, events.parse(recorded.data))
        if release.phase is not before or since is None:
            since = recorded.at
    if release is None or since is None:
        raise ValueError("a release without events")
    return Standing(release, waits_for(release, policy), since)


def waits_for(release: Release, policy: Policy) -> str:
    """What has to happen next; "" for a release that has ended."""
    if release.phase.terminal:
        return ""
    if release.hold is not None:
        return f"held: {release.hold.reason}"
    if release.phase is Phase.SIGN_OFF:
        return _sign_off(release, policy)
    if release.phase is Phase.REWORK:
        return _rework(release)
    if release.phase is Phase.FEEDBACK:
        asked = len(release.feedback_asked)
        return f"answers: {asked - len(release.unanswered)} of {asked}"
    return _MACHINES.get(release.phase, "")


def _sign_off(release: Release, policy: Policy) -> str:
    for step in policy.steps_for(release.plan.release_kind):
        if not release.has_passed(step.id):
            roles = "/".join(step.quorum)
            people = ", ".join(p.id for role in step.quorum for p in policy.with_role(role))
            reasons = "; ".join(signoff.passed(release, step).reasons) or f"{step.title} to be concluded"
            return f"{reasons} ({roles}: {people})"
    timed = release.timed
    return f"its time, {timed.wall}" if timed and timed.at else "the way to production"


def _rework(release: Release) -> str:
    number = release.candidate.number if release.candidate else 0
    asked = {ask.request: ask for ask in release.asked if ask.number == number}
    sent_back = [r for r in release.returned if r.request in asked]
    if sent_back:
        return "; ".join(f"rework of {r.issue or 'the release'}: {r.reason}" for r in sent_back)
    reasons = "; ".join(release.rejected.reasons) if release.rejected else "a new candidate"
    return f"rework: {reasons}"


_MACHINES = {
    Phase.PLANNED: "development",
    Phase.VERIFYING: "the pipeline",
    Phase.STAGING: "the staging deployment",
    Phase.PRODUCTION: "the production deployment",
    Phase.WATCHING: "the end of the watch",
    Phase.ROLLING_BACK: "the rollback",
    Phase.ROLLED_BACK: "a hotfix or a decision",
}
