"""When the next candidate of a release may be cut."""

from __future__ import annotations

from collections.abc import Mapping

from lifecycle.release import Release
from lifecycle.verdict import Verdict
from lifecycle.workflow import Status

READY = frozenset({Status.QA, Status.WAITING_RELEASE, Status.RELEASED, Status.CLOSED})
"""Development of an issue in one of these is done."""


def ready(release: Release, statuses: Mapping[str, Status], head: str | None) -> Verdict:
    """Whether a candidate is due: every issue is developed, and there is something new to test.

    `head` is the release branch's head, None while the branch is not cut. A candidate that a person
    asked for is due at once, whatever the issues say. After a change of scope the same commit may be cut
    again: what was signed was signed for the plan before.
    """
    if release.candidate_asked is not None:
        return Verdict()
    unknown = [key for key in release.delivers if key not in statuses]
    reasons = [f"nothing is known of {key}" for key in unknown]
    reasons += [f"{key} is in {status}" for key, status in statuses.items() if status not in READY]
    if release.candidate is not None and not release.outdated and head in (release.candidate.sha, None):
        reasons.append(f"nothing new on the release branch since {release.candidate.tag}")
    return Verdict(reasons=tuple(reasons))
