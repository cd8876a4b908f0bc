"""Alerts of the watch: raised and taken back as facts; the release's messages tell them."""

from __future__ import annotations

from lifecycle import alerts
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def raise_alerts(walk: ReleaseWalk) -> Wait | None:
    """Put on record which causes went bad or recovered since the last look; each once.

    It looks at the ticks that are there, and stands before the watch, which waits for the next one.
    """
    watch = walk.policy.watch
    due = alerts.due(walk.release, watch.rules, watch.alerts) if walk.watched else ()
    if due:
        walk.append(*due)
    return None
