"""A held release takes no step by itself until a person resumes it."""

from __future__ import annotations

from datetime import timedelta

from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def hold(walk: ReleaseWalk) -> Wait | None:
    """Wait while the release is held; what is already under way to or from production goes on."""
    held = walk.release.hold
    if held is None or walk.in_production:
        return None
    return Wait("On hold", walk.now + timedelta(days=1), held.reason)
