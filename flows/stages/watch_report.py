"""The report at the end of a watch."""

from __future__ import annotations

from lifecycle.release import Phase
from tasks import watch_report
from tasks.release_walk import ReleaseWalk
from tasks.walk import Wait


def report_watch(walk: ReleaseWalk) -> Wait | None:
    """Once the watch is over, or has put the earlier version back, say what it saw.

    It stands before the watch, as the alerts do: so those of the last tick are in it.
    """
    over = walk.release.watch is not None or walk.phase is Phase.ROLLED_BACK
    seen = walk.watched and over and walk.release.ticks
    if seen and not walk.done(watch_report.key(walk.subject, walk.release.attempt)):
        watch_report.publish(walk.subject)
    return None
