"""How the watch over one release stands: what its ticks add up to under the policy."""

from __future__ import annotations

from datetime import datetime

from lifecycle.policy import Watch
from lifecycle.release import Release
from lifecycle.watch import WatchState, WatchVerdict, assess


def verdict_on(release: Release, watched: Watch, now: datetime) -> WatchVerdict:
    """What its ticks say now of the version in production; before it is there, nothing yet."""
    if release.deployed is None:
        return WatchVerdict(state=WatchState.WATCHING)
    return assess(
        [seen for tick in release.ticks for seen in tick.observations],
        release.deployed.at,
        now,
        watched.rules,
        readings=[read for tick in release.ticks for read in tick.readings],
        metrics=watched.metrics,
        comparison=watched.comparison,
        firing=[tick.firing for tick in release.ticks],
    )
