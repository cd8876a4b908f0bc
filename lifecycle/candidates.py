"""When the next candidate of a release may be cut, and which of its issues it does not hold yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from lifecycle.cutting import Candidates, When
from lifecycle.phases import Phase
from lifecycle.release import Release
from lifecycle.review_calendar import due
from lifecycle.verdict import Verdict
from lifecycle.workflow import Status

READY = frozenset({Status.QA, Status.WAITING_RELEASE, Status.RELEASED, Status.CLOSED})
"""Development of an issue in one of these is done."""

_COMPLETE = Candidates()


def unfinished(release: Release, statuses: Mapping[str, Status]) -> tuple[str, ...]:
    """The release's issues whose development is not done: a candidate cut now is not asked about them."""
    return tuple(key for key in release.delivers if statuses.get(key) not in READY)


def may_be_due(release: Release) -> bool:
    """Whether the next candidate is worth a look: none stands yet, or the newest cannot be shipped."""
    asked = release.candidate_asked is not None
    early = release.phase is Phase.SIGN_OFF and bool(release.unfinished)
    return asked or early or release.phase in (Phase.PLANNED, Phase.REWORK)


def ready(
    release: Release,
    statuses: Mapping[str, Status],
    head: str | None,
    rules: Candidates,
    cut_at: datetime,
    now: datetime,
) -> Verdict:
    """Whether a candidate is due by the policy's `rules`, and there is something new to test.

    `head` is that of the branch the candidate is cut from, None while there is no such branch; `cut_at` when
    the last candidate was cut, or the release planned. A candidate that a person asked for is due at once,
    whatever the issues say. After a change of scope the same commit may be cut again: what was signed was
    signed for the plan before. So may a commit that holds an issue which has been finished since.
    """
    if release.candidate_asked is not None:
        return Verdict()
    hotfix = release.plan.release_kind == "hotfix"
    lacking = unfinished(release, statuses)
    reasons = _not_due(release, statuses, lacking, _COMPLETE if hotfix else rules, cut_at, now)
    newest = release.candidate
    if newest is not None and not release.outdated and head in (newest.sha, None):
        news = set(release.unfinished) - set(lacking)
        reasons += [] if news else [f"nothing new on {newest.branch} since {newest.tag}"]
    return Verdict(reasons=tuple(reasons))


def _not_due(
    release: Release,
    statuses: Mapping[str, Status],
    lacking: tuple[str, ...],
    rules: Candidates,
    cut_at: datetime,
    now: datetime,
) -> list[str]:
    """Why the rule does not want one yet; what the last candidate held has to be finished (again)."""
    held = lacking if release.candidate is None else [k for k in lacking if k not in release.unfinished]
    again = [] if release.candidate is None else [_stands(key, statuses) for key in held]
    match rules.when:
        case When.COMPLETE:
            return [_stands(key, statuses) for key in lacking]
        case When.COUNT:
            return [*_too_few(release, lacking, rules.issues or 1), *again]
        case When.SCHEDULE:
            return [*_not_today(release, lacking, rules, cut_at, now), *again]
        case _:
            return ["a person asks for each candidate"]


def _stands(key: str, statuses: Mapping[str, Status]) -> str:
    return f"{key} is in {statuses[key]}" if key in statuses else f"nothing is known of {key}"


def _too_few(release: Release, lacking: tuple[str, ...], wanted: int) -> list[str]:
    """A candidate that was stopped is cut anew as soon as it is mended, without waiting for more issues."""
    if not lacking or release.phase is Phase.REWORK:
        return []
    before = release.delivers if release.candidate is None else release.unfinished
    fresh = [key for key in before if key not in lacking]
    if len(fresh) >= wanted:
        return []
    return [f"{len(fresh)} of {wanted} issues are finished for the next candidate"]


def _not_today(
    release: Release, lacking: tuple[str, ...], rules: Candidates, cut_at: datetime, now: datetime
) -> list[str]:
    if len(lacking) == len(release.delivers):
        return ["no issue is finished"]
    today = due(rules.schedule, now)
    if today is not None and today.at > cut_at:
        return []
    return [f"candidates are cut at {rules.cron} ({rules.time_zone})"]
