"""When a pipeline has ended for good: GitLab retries a failed job by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
"""A pipeline's last words."""

_ACTIVE = frozenset(
    {"created", "waiting_for_resource", "preparing", "pending", "running", "canceling", "scheduled"}
)


def has_ended(
    status: str,
    jobs: Iterable[str],
    ended_at: datetime | None,
    settles_after: timedelta,
    now: datetime,
) -> bool:
    """Whether a pipeline's status is its last one. `jobs` are the statuses of each job's latest try.

    A failed one is believed once none of its jobs is under way again and `settles_after` has passed since its
    end: between a job's failure and its retry GitLab may say `failed` for a moment.
    """
    if status != "failed":
        return status in FINISHED
    if any(job in _ACTIVE for job in jobs):
        return False
    return ended_at is None or now - ended_at >= settles_after
