"""Whether a candidate has been on staging as it has to be before production."""

from __future__ import annotations

from datetime import datetime, timedelta

from lifecycle.release import Release
from lifecycle.verdict import Verdict


def may_promote(release: Release, serves: str, since: datetime, soak: timedelta, now: datetime) -> Verdict:
    """Only what staging serves now, and has for as long as `soak`, may go to production.

    `serves` is the commit of staging's newest deployment ("" for none), `since` when the candidate came
    there, for the last time. That it is signed off is `signoff.may_ship`'s to say.
    """
    candidate, staged = release.candidate, release.staged
    if candidate is None or staged is None or staged.sha != candidate.sha:
        return Verdict(reasons=("the candidate is not on staging",))
    if serves != candidate.sha:
        there = serves[:8] or "nothing"
        return Verdict(reasons=(f"staging serves {there}, not the candidate {candidate.sha[:8]}",))
    ready = since + soak
    if now < ready:
        reason = f"on staging since {since:%Y-%m-%d %H:%M} UTC, to soak until {ready:%Y-%m-%d %H:%M} UTC"
        return Verdict(reasons=(reason,), until=ready)
    return Verdict()
